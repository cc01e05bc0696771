"""What AWS did not do: put off, told of when it is news, tried again after an edit."""

import dataclasses
import datetime

import pytest

from dask_ecs.api.conditions import find_condition
from dask_ecs.plan import actions, cluster
from dask_ecs.plan.made import role_name
from dask_ecs.plan.observed import NEWS_AFTER, Hold, Known

from .world import SETTINGS, World

GIVEN = "arn:aws:iam::123456789012:role/given"


def hold_of_the_scheduler(world: World, **changes: object) -> Hold:
    hold = Hold(
        subject="scheduler",
        reason="AccessDenied",
        message="not authorized",
        attempts=1,
        retry_at=world.now + datetime.timedelta(seconds=30),
        generation=1,
        waits_for_user=True,
    )
    return dataclasses.replace(hold, **changes)  # type: ignore[arg-type]


def planned(world: World, hold: Hold, *, known: Known | None = None) -> cluster.Plan:
    observed = dataclasses.replace(world.observe(), holds={hold.subject: hold})
    return cluster.plan(world.target, dataclasses.replace(observed, known=known) if known else observed, now=world.now)


def almost_launched() -> World:
    """A world in which all is made and the scheduler's RunTask is next."""
    world = World()
    while not any(isinstance(action, actions.RunTasks) for action in world.plan().actions):
        world.step()
    return world


def test_a_refused_launch_stays_put_off_while_all_is_looked_at_again() -> None:
    world = almost_launched()
    hold = hold_of_the_scheduler(world)
    looking = planned(world, hold, known=Known())
    assert looking.actions
    assert looking.holds == {"scheduler": hold}
    assert planned(world, hold).actions == ()


@pytest.mark.parametrize("refused", [False, True])
def test_a_scheduler_does_not_wait_for_its_workers_definition_unless_that_is_refused(refused: bool) -> None:
    world = almost_launched()
    registered = [action for action in world.done if isinstance(action, actions.RegisterTaskDefinition)]
    del world.answers[next(action.fingerprint for action in registered if action.subject == "workerDefinition")]
    hold = hold_of_the_scheduler(world, subject="workerDefinition")
    plan = planned(world, hold) if refused else world.plan()
    ran = [action for action in plan.actions if isinstance(action, actions.RunTasks)]
    assert [action.launch.role for action in ran] == ([] if refused else ["scheduler"])


def test_a_hold_of_an_older_spec_is_dropped_while_all_is_looked_at_again() -> None:
    world = almost_launched()
    assert planned(world, hold_of_the_scheduler(world, generation=0), known=Known()).holds == {}


@pytest.mark.parametrize("attempts", [1, NEWS_AFTER - 1, NEWS_AFTER])
def test_what_ends_by_itself_is_told_of_only_when_it_lasts(attempts: int) -> None:
    world = almost_launched()
    hold = hold_of_the_scheduler(world, attempts=attempts, transient=True, waits_for_user=False)
    scheduler = find_condition(planned(world, hold).status.conditions, "SchedulerReady")
    assert scheduler
    assert (scheduler.reason == "AccessDenied") == (attempts >= NEWS_AFTER)


def test_what_waits_for_the_user_is_stalled_and_not_reconciling() -> None:
    world = almost_launched()
    status = planned(world, hold_of_the_scheduler(world)).status
    states = {condition.type: condition.status for condition in status.conditions}
    assert (states["Ready"], states["Reconciling"], states["Stalled"]) == ("False", "False", "True")


def test_what_a_task_needs_is_looked_at_when_it_is_run_again() -> None:
    world = almost_launched()
    hold = hold_of_the_scheduler(world)
    assert planned(world, hold).run_again_at == hold.retry_at
    world.pass_time(31)
    assert planned(world, hold).run_again_at is None


def test_roles_that_were_made_go_although_the_spec_gives_others_by_now() -> None:
    world = World(settings=dataclasses.replace(SETTINGS, allow_roles=("*",)))
    world.settle()
    roles = {role_name(world.target, "execution"), role_name(world.target, "task")}
    world.edit(iam={"executionRoleArn": GIVEN, "taskRoleArn": GIVEN})
    world.settle()
    world.delete()
    world.settle()
    deleted = {action.name for action in world.done if isinstance(action, actions.DeleteRole)}
    assert deleted == roles


def test_given_roles_are_not_looked_at_when_none_was_made() -> None:
    iam = {"executionRoleArn": GIVEN, "taskRoleArn": GIVEN}
    world = World({"iam": iam}, settings=dataclasses.replace(SETTINGS, allow_roles=("*",)))
    world.settle()
    world.delete()
    world.settle()
    assert not [action for action in world.done if isinstance(action, actions.DeleteRole | actions.EnsureRole)]
