"""What is bounded, and what is quiet while it waits."""

from dask_ecs.plan import actions, launch
from dask_ecs.plan.actions import RunTasks

from .world import World


def test_the_status_never_holds_more_launches_than_fit() -> None:
    world = World({"worker": {"replicas": 0}})
    world.settle()
    world.scale(700)
    for _ in range(3):
        world.step(lose_calls=True)
        assert len(world.launches) <= launch.MOST_LAUNCHES
    world.settle(most=1000)
    assert len(world.live["worker"]) == 700


def test_a_cluster_whose_workers_wait_to_be_tried_again_is_not_watched_closely() -> None:
    world = World({"worker": {"replicas": 1}})
    while not world.live["worker"]:
        world.step()
        world.pass_time(1)
    world.stop(world.live["worker"][0].arn, stop_code="TaskFailedToStart", exit_code=None)
    for _ in range(3):
        plan = world.step()
        world.pass_time(1)
    assert not plan.actions
    assert not plan.busy


def test_a_cluster_whose_tasks_start_is_watched_closely() -> None:
    world = World({"worker": {"replicas": 1}})
    while not [action for action in world.done if isinstance(action, RunTasks)]:
        world.step()
    assert world.plan().busy


def test_an_ecs_cluster_that_is_given_says_the_region() -> None:
    world = World({"clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/research"})
    assert world.target.region == "us-east-1"
    world.settle()
    (role, _) = [action for action in world.done if isinstance(action, actions.EnsureRole)]
    assert "us-east-1" in str(role.trust)
