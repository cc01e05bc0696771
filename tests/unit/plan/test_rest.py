"""A cluster that rests has no tasks, says why, and starts again when it is asked to."""

import pytest

from dask_ecs.api.conditions import find_condition
from dask_ecs.plan import actions

from .world import World, asked, condition, running


def is_at_rest(world: World, reason: str) -> None:
    plan = world.settle()
    assert plan.status.phase == "Suspended"
    assert not any(world.live.values())
    assert condition(world, "Suspended")[:2] == ("True", reason)
    assert find_condition(plan.status.conditions, "Ready") is None, "kstatus would take it for in progress"
    assert condition(world, "SchedulerReady")[:2] == ("False", reason)
    assert condition(world, "WorkersReady")[:2] == ("False", reason)
    assert condition(world, "Reconciling")[:2] == ("False", "Settled")
    assert condition(world, "Stalled")[:2] == ("False", "Settled")
    assert plan.status.observed_generation == world.target.cluster.metadata.generation
    assert not world.plan().busy


def is_running(world: World) -> None:
    assert world.settle().status.phase == "Running"
    assert [len(tasks) for tasks in world.live.values()] == [1, 2]
    assert condition(world, "Ready")[0] == "True"
    assert find_condition(world.target.cluster.status.conditions, "Suspended") is None


def test_a_suspended_cluster_has_its_tasks_ended_by_dask_and_starts_again() -> None:
    world = running()
    world.edit(suspend=True)
    is_at_rest(world, "Suspended")
    assert asked(world, actions.TerminateScheduler)
    assert not asked(world, actions.StopTask), "Dask ended them all"
    assert "Set it to false" in condition(world, "Suspended")[2]
    world.edit(suspend=False)
    is_running(world)
    assert world.target.cluster.status.rest is not None
    assert world.target.cluster.status.rest.ended_at is not None


def test_what_dask_does_not_end_is_stopped() -> None:
    world = running()
    world.ends_when_told = False
    world.edit(suspend=True)
    is_at_rest(world, "Suspended")
    assert len(asked(world, actions.StopTask)) == 3


def test_while_tasks_still_end_a_cluster_is_reconciling() -> None:
    world = running()
    world.ends_when_told = False
    world.edit(suspend=True)
    world.step()
    world.step()
    assert condition(world, "Reconciling")[0] == "True"
    assert condition(world, "Ready")[:2] == ("False", "Suspended")
    assert find_condition(world.target.cluster.status.conditions, "Suspended") is None
    assert "3 tasks are still ending" in condition(world, "Reconciling")[2]


def test_the_same_address_is_told_to_end_at_the_second_suspension_too() -> None:
    world = running()
    for _ in range(2):
        world.edit(suspend=True)
        is_at_rest(world, "Suspended")
        world.edit(suspend=False)
        is_running(world)
    assert len({action.task_arn for action in asked(world, actions.TerminateScheduler)}) == 2


def test_nothing_is_made_for_a_cluster_that_is_suspended_from_the_first() -> None:
    world = World({"worker": {"replicas": 2}, "suspend": True})
    is_at_rest(world, "Suspended")
    assert not world.done
    world.edit(suspend=False)
    is_running(world)


def test_a_suspended_cluster_stays_so_whatever_is_edited() -> None:
    world = running()
    world.edit(suspend=True)
    is_at_rest(world, "Suspended")
    world.scale(5)
    world.annotate(wake="now")
    is_at_rest(world, "Suspended")


def test_a_scheduler_that_was_told_to_end_and_does_so_after_the_resumption_is_replaced() -> None:
    world = running()
    world.ends_when_told = False
    world.edit(suspend=True)
    world.step()
    world.edit(suspend=False)
    world.step()
    for task in [task for tasks in world.live.values() for task in tasks]:
        world.stop(task.arn, exit_code=0)
    is_running(world)


def test_a_launch_of_unknown_outcome_is_looked_for_and_its_tasks_are_ended() -> None:
    world = World({"worker": {"replicas": 0}})
    while not world.launches:
        world.step(lose_answers=True)
    world.edit(suspend=True)
    is_at_rest(world, "Suspended")
    assert not world.launches
    assert world.tasks


@pytest.mark.parametrize("how", ["edit", "annotation"])
def test_a_finished_cluster_starts_again_by_an_edit_or_the_annotation(how: str) -> None:
    world = running()
    world.annotate(wake="before")
    world.stop(world.live["scheduler"][0].arn, exit_code=0)
    is_at_rest(world, "SchedulerFinished")
    assert "ecs.dask.org/wake" in condition(world, "Suspended")[2]
    if how == "edit":
        world.edit(environment=[{"name": "A", "value": "B"}])
    else:
        world.annotate(wake="after")
    is_running(world)


def test_all_tasks_end_when_the_longest_life_is_over_and_a_start_begins_another() -> None:
    world = running(maxLifetime="1h")
    assert world.plan().wake_at is not None
    world.pass_time(3500)
    is_running(world)
    world.pass_time(200)
    is_at_rest(world, "LifetimeReached")
    assert "1h" in condition(world, "Suspended")[2]
    world.pass_time(7200)
    is_at_rest(world, "LifetimeReached")
    world.annotate(wake="1")
    is_running(world)
    world.pass_time(3000)
    is_running(world)
    world.pass_time(700)
    is_at_rest(world, "LifetimeReached")


def test_a_restarted_operator_lets_a_resting_cluster_rest_although_ecs_has_forgotten_its_tasks() -> None:
    world = running(maxLifetime="1h")
    world.pass_time(3700)
    is_at_rest(world, "LifetimeReached")
    world.tasks.clear()
    world.answers.clear()
    is_at_rest(world, "LifetimeReached")


def test_a_spec_that_is_not_admitted_can_be_suspended() -> None:
    world = running()
    world.edit(suspend=True, iam={"taskRoleArn": "arn:aws:iam::123456789012:role/other"})
    is_at_rest(world, "Suspended")


def test_of_a_scheduler_that_runs_elsewhere_only_the_workers_rest() -> None:
    world = running(scheduler={"address": "tcp://10.9.0.1:8786"})
    world.edit(suspend=True)
    assert world.settle().status.phase == "Suspended"
    assert not world.live["worker"]
    assert not asked(world, actions.TerminateScheduler)
    assert condition(world, "SchedulerReady")[:2] == ("True", "ExternalScheduler")
    assert condition(world, "WorkersReady")[:2] == ("False", "Suspended")
