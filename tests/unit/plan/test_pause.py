"""While a cluster is paused nothing is done about it."""

from dask_ecs.plan import actions

from .world import World, asked, condition, running


def test_nothing_is_replaced_while_a_cluster_is_paused_and_all_is_afterwards() -> None:
    world = running(replicas=2)
    world.annotate(paused="true")
    world.pass_time(120)
    world.stop(world.live["worker"][0].arn)
    world.scale(4)
    world.done.clear()
    for _ in range(3):
        world.step()
        world.pass_time(1)
    assert not world.done
    assert len(world.live["worker"]) == 1
    assert condition(world, "Reconciling")[:2] == ("False", "Paused")
    assert condition(world, "Stalled")[:2] == ("False", "Paused")
    assert condition(world, "Ready")[0] == "False"
    assert world.target.cluster.status.observed_generation == 1

    world.annotate(paused="false")
    world.settle()
    assert len(world.live["worker"]) == 4
    assert condition(world, "Reconciling")[:2] == ("False", "Settled")


def test_nothing_is_made_for_a_new_cluster_that_is_paused() -> None:
    world = World()
    world.annotate(paused="")
    world.step()
    assert not world.done
    assert not world.target.cluster.status.made
    assert {"Ready", "Reconciling", "Stalled"} <= {found.type for found in world.target.cluster.status.conditions}


def test_a_deletion_waits_for_the_end_of_the_pause() -> None:
    world = running(replicas=1)
    world.annotate(paused="true")
    world.delete()
    world.step()
    assert not world.gone
    assert world.target.cluster.status.phase == "Deleting"
    assert "not deleted until" in condition(world, "Stalled")[2]
    assert not asked(world, actions.TerminateScheduler)

    world.annotate(paused="false")
    world.settle()
    assert world.gone


def test_a_request_to_look_at_everything_is_acknowledged_once_all_is_done() -> None:
    world = running(replicas=1)
    world.answers.clear()  # as the operator's memory does
    world.annotate(reconcile_requested_at="noon")
    plan = world.step()
    assert plan.actions
    assert world.target.cluster.status.last_handled_reconcile_at is None
    world.settle()
    assert world.target.cluster.status.last_handled_reconcile_at == "noon"
