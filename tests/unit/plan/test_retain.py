"""What is retained when its object goes."""

from dask_ecs.plan import actions

from .world import asked, running


def test_a_retained_clusters_object_goes_and_nothing_else() -> None:
    world = running(isolation="cluster", deletionPolicy="Retain")
    world.done.clear()
    world.delete()
    world.settle()
    assert world.gone
    assert not world.done
    assert [len(tasks) for tasks in world.live.values()] == [1, 2]


def test_to_retain_a_cluster_replaces_no_task() -> None:
    world = running(isolation="cluster")
    before = set(world.tasks)
    world.edit(deletionPolicy="Retain")
    world.settle()
    assert set(world.tasks) == before
    assert not asked(world, actions.StopTask)
