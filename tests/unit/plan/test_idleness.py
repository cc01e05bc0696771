"""A cluster whose scheduler has neither clients nor work for long goes to no task, and no other does."""

import dataclasses
import datetime

import pytest

from dask_ecs.plan import actions, cluster
from dask_ecs.plan.worker_preload import GAVE_UP

from .world import World, asked, condition, running


def idling(*, timeout: str = "5m") -> World:
    world = running(scheduler={"idleTimeout": timeout})
    world.clients = 0
    world.step()
    return world


def phase_of(world: World) -> str | None:
    return world.target.cluster.status.phase


def pass_minutes(world: World, minutes: float) -> None:
    world.pass_time(60 * minutes)
    world.settle()


def test_an_idle_cluster_goes_to_no_task_and_an_edit_wakes_it() -> None:
    world = idling()
    assert world.target.cluster.status.idle_since is not None
    pass_minutes(world, 4.5)
    assert phase_of(world) == "Running"
    pass_minutes(world, 1)
    assert phase_of(world) == "Suspended"
    assert not any(world.live.values())
    status, reason, message = condition(world, "Suspended")
    assert (status, reason) == ("True", "Idle")
    assert "for 5m (spec.scheduler.idleTimeout)" in message
    assert "ecs.dask.org/wake" in message
    pass_minutes(world, 60)
    assert not any(world.live.values())
    world.clients = 1
    world.scale(3)
    pass_minutes(world, 0)
    assert [len(tasks) for tasks in world.live.values()] == [1, 3]


def test_it_is_looked_at_when_the_time_is_over_and_not_written_before() -> None:
    world = idling()
    before, due = world.body["status"], world.now + datetime.timedelta(minutes=5)
    for _ in range(10):
        world.pass_time(10)
        plan = world.step()
        assert world.body["status"] == before
        assert plan.wake_at is not None
        assert abs(plan.wake_at - due) < datetime.timedelta(seconds=2)
        assert not plan.busy


def test_a_client_keeps_it_and_the_time_counts_from_when_it_has_gone() -> None:
    world = idling()
    pass_minutes(world, 4)
    world.clients = 1
    world.step()
    assert world.target.cluster.status.idle_since is None
    pass_minutes(world, 60)
    world.clients = 0
    world.step()
    pass_minutes(world, 4)
    assert phase_of(world) == "Running"
    pass_minutes(world, 2)
    assert phase_of(world) == "Suspended"


def test_what_was_computed_between_two_looks_keeps_it_too() -> None:
    world = idling()
    pass_minutes(world, 4)
    world.last_active = world.now
    pass_minutes(world, 4)
    assert phase_of(world) == "Running"
    pass_minutes(world, 2)
    assert phase_of(world) == "Suspended"


def test_an_answer_from_before_the_time_was_over_ends_nothing() -> None:
    world = idling()
    world.pass_time(301)
    observed = world.observe()
    assert observed.probe is not None
    earlier = dataclasses.replace(observed.probe, asked_at=world.now - datetime.timedelta(seconds=15))
    old = dataclasses.replace(observed, probe=earlier)
    plan = cluster.plan(world.target, old, now=world.now)
    assert not plan.actions
    assert plan.busy, "the scheduler is asked at once"
    assert plan.wake_at == world.now + datetime.timedelta(seconds=1)
    assert cluster.plan(world.target, observed, now=world.now).status.phase == "Suspended"


def test_an_edit_begins_the_time_anew() -> None:
    world = idling()
    pass_minutes(world, 4.5)
    world.scale(3)
    pass_minutes(world, 0)
    pass_minutes(world, 4)
    assert phase_of(world) == "Running"
    pass_minutes(world, 2)
    assert phase_of(world) == "Suspended"


def test_it_does_not_idle_while_workers_are_on_their_way_for_half_an_hour_at_most() -> None:
    world = idling()
    world.forgotten_by_scheduler = {task.arn for task in world.live["worker"]}
    world.step()
    for _ in range(5):
        world.pass_time(300)
        assert world.step().wake_at is not None
        assert phase_of(world) != "Suspended"
        assert world.target.cluster.status.idle_since is None
    world.pass_time(300)
    world.step()
    assert world.target.cluster.status.idle_since is not None
    pass_minutes(world, 6)
    assert phase_of(world) == "Suspended"


def never_joining(*, gives_up_with: int, hours: float) -> World:
    """Return a cluster whose workers run and can not reach the scheduler, so that they give up after 15 minutes."""
    world = World({"worker": {"replicas": 2}})
    world.clients = 0
    for _ in range(round(hours * 60)):
        for task in world.live["worker"]:
            world.forgotten_by_scheduler.add(task.arn)
            if task.started_at and world.now - task.started_at >= datetime.timedelta(minutes=15):
                world.stop(task.arn, exit_code=gives_up_with)
        world.step()
        world.step()
        world.pass_time(60)
    return world


@pytest.mark.parametrize("exit_code", [1, GAVE_UP])
def test_workers_that_run_and_can_not_join_do_not_keep_it(exit_code: int) -> None:
    world = never_joining(gives_up_with=exit_code, hours=0.9)
    assert phase_of(world) == "Suspended"
    assert condition(world, "Suspended")[1] == "Idle"


def test_workers_that_give_up_have_failed_and_it_is_told_why_while_others_try() -> None:
    world = never_joining(gives_up_with=GAVE_UP, hours=0.35)
    assert len(world.live["worker"]) == 2
    status, reason, message = condition(world, "WorkersReady")
    assert (status, reason) == ("False", "SchedulerUnreachableFromWorkers")
    assert message.endswith("Others try it now.")
    world.forgotten_by_scheduler = set()
    world.settle()
    assert condition(world, "WorkersReady")[0] == "True"


def test_workers_that_are_wanted_later_are_awaited_from_then_on() -> None:
    world = idling()
    world.clients = 1
    world.pass_time(7200)
    world.settle()
    world.scale(3)
    world.clients = 0
    world.step()
    for _ in range(25):
        world.forgotten_by_scheduler = {task.arn for task in world.live["worker"][2:]}
        world.pass_time(60)
        world.step()
    assert phase_of(world) != "Suspended"
    assert world.target.cluster.status.idle_since is None


def test_workers_that_fail_to_start_do_not_keep_it() -> None:
    world = idling()
    for _ in range(10):
        for task in world.live["worker"]:
            world.stop(task.arn, exit_code=1)
        world.step()
        world.pass_time(59)
        world.step()
    assert phase_of(world) == "Suspended"


def test_a_scheduler_that_can_not_be_reached_is_not_taken_for_idle() -> None:
    world = idling()
    world.reachable = False
    pass_minutes(world, 60)
    assert phase_of(world) == "Running"
    assert world.target.cluster.status.idle_since is None


def test_an_operators_restart_neither_resets_nor_shortens_the_time() -> None:
    world = idling()
    since = world.target.cluster.status.idle_since
    world.pass_time(200)
    world.answers.clear()
    world.settle()
    assert world.target.cluster.status.idle_since == since
    world.last_active = world.now  # while nobody looked
    world.settle()
    pass_minutes(world, 4.5)
    assert phase_of(world) == "Running"


@pytest.mark.parametrize("spec", [{"idleTimeout": "0s"}, {"address": "tcp://10.9.0.1:8786"}])
def test_a_cluster_that_may_idle_for_ever_or_whose_scheduler_is_not_ours_is_let_be(spec: dict[str, str]) -> None:
    world = running(scheduler=spec)
    world.clients = 0
    for _ in range(3):
        pass_minutes(world, 60)
    assert phase_of(world) == "Running"
    assert world.target.cluster.status.idle_since is None


@pytest.mark.parametrize(("timeout", "backstop"), [("5m", "86400s"), ("48h", "345600s"), ("0s", None)])
def test_dask_ends_an_idle_scheduler_much_later_by_itself(timeout: str, backstop: str | None) -> None:
    world = running(scheduler={"idleTimeout": timeout})
    call = next(call for call in asked(world, actions.RunTasks) if call.launch.role == "scheduler")
    (override,) = call.request["overrides"]["containerOverrides"]
    command = override["command"]
    found = command[command.index("--idle-timeout") + 1] if "--idle-timeout" in command else None
    assert found == backstop


def test_another_idle_timeout_replaces_no_task() -> None:
    world = running()
    before = set(world.tasks)
    world.edit(scheduler={"idleTimeout": "0s"})
    world.settle()
    assert set(world.tasks) == before
    assert condition(world, "UpToDate")[0] == "True"
