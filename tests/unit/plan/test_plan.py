"""What one object needs, tried on a world in memory."""

import dataclasses
import datetime
import itertools
from typing import Any

import pytest

from dask_ecs.api.conditions import find_condition
from dask_ecs.plan import actions, cluster, launch, status
from dask_ecs.plan.observed import Hold, Known

from .world import World, asked, condition, running


def test_a_new_cluster_comes_to_run_one_scheduler_and_its_workers() -> None:
    world = running(replicas=12)
    assert [len(tasks) for tasks in world.live.values()] == [1, 12]
    assert [action.launch.count for action in asked(world, actions.RunTasks)] == [1, 10, 2]
    assert world.target.cluster.status.workers.summary == "12/12"
    assert condition(world, "Ready")[0] == "True"


def test_no_task_is_asked_for_before_the_tasks_were_listed() -> None:
    world = World()
    while world.plan().actions and not asked(world, actions.RegisterTaskDefinition):
        world.step()
    observed = world.observe()
    blind = cluster.plan(world.target, type(observed)(known=observed.known, tasks=None), now=world.now)
    assert not blind.actions


def test_workers_are_asked_for_as_soon_as_the_scheduler_has_an_address() -> None:
    world = World({"worker": {"replicas": 1}})
    while not world.live["scheduler"]:
        world.step()
    world.step()
    assert not world.live["worker"]
    world.pass_time(1)
    assert world.live["scheduler"][0].last_status == "PENDING"
    world.step()
    assert len(world.live["worker"]) == 1


def test_planning_what_was_just_done_plans_nothing() -> None:
    world = running()
    assert not world.plan().actions


def test_a_second_pass_says_the_same() -> None:
    world = running()
    world.step()
    before = world.body["status"]
    world.step()
    assert world.body["status"] == before


def test_all_three_kstatus_conditions_are_there_from_the_first_plan_on() -> None:
    world = World()
    world.step()
    assert {"Ready", "Reconciling", "Stalled"} <= {found.type for found in world.target.cluster.status.conditions}


def test_a_worker_that_dies_is_replaced_at_once() -> None:
    world = running()
    world.pass_time(120)
    dead = world.live["worker"][0]
    world.stop(dead.arn)
    world.step()
    assert len(world.live["worker"]) == 2


def test_workers_of_a_dead_scheduler_are_stopped_and_run_anew() -> None:
    world = running()
    world.pass_time(120)
    old = {task.arn for task in world.live["worker"]}
    world.stop(world.live["scheduler"][0].arn)
    world.settle()
    assert len(world.live["worker"]) == 2
    assert not old & {task.arn for task in world.live["worker"]}


def test_a_scheduler_that_ended_well_has_finished_until_the_next_edit() -> None:
    world = running()
    ended = world.live["scheduler"][0].arn
    world.stop(ended, exit_code=0)
    assert world.settle().status.phase == "Suspended"
    assert not world.live["worker"]
    del world.tasks[ended]  # ECS forgets stopped tasks
    assert world.settle().status.phase == "Suspended"
    world.edit(environment=[{"name": "A", "value": "B"}])
    assert world.settle().status.phase == "Running"


def test_an_edit_wakes_a_finished_cluster_although_ecs_still_shows_its_end() -> None:
    world = running()
    world.stop(world.live["scheduler"][0].arn, exit_code=0)
    world.settle()
    world.scale(1)
    assert world.settle().status.phase == "Running"


def test_scaling_down_stops_those_that_have_not_joined_and_retires_the_rest() -> None:
    world = running(replicas=3)
    world.scale(4)
    world.step()
    newborn = next(task for task in world.live["worker"] if task.last_status == "PROVISIONING")
    world.scale(2)
    world.step()
    assert [action.task_arn for action in asked(world, actions.StopTask)] == [newborn.arn]
    (retired,) = asked(world, actions.RetireWorkers)
    assert retired.count == 1
    assert newborn.arn not in retired.tasks.values()


def test_where_the_scheduler_can_not_be_asked_the_newest_workers_are_stopped() -> None:
    world = running(replicas=3)
    world.reachable = False
    world.scale(1)
    world.settle()
    assert len(world.live["worker"]) == 1
    assert not asked(world, actions.RetireWorkers)


def test_an_unreachable_scheduler_that_is_healthy_is_ready_and_said_to_be_unreachable() -> None:
    world = World()
    world.reachable = False
    world.settle()
    status, _, message = condition(world, "SchedulerReachable")
    assert status == "False"
    assert "--operator-cidrs" in message or "allowedCidrs" in message
    assert condition(world, "Ready")[0] == "True"


def test_a_scheduler_that_hangs_is_not_ready_and_is_left_alone_for_it_may_recover() -> None:
    world = running()
    world.hang_scheduler()
    world.done.clear()
    world.step()
    status, reason, message = condition(world, "Ready")
    assert (status, reason) == ("False", "SchedulerUnhealthy")
    assert "spec.suspend" in message
    assert world.target.cluster.status.phase == "Degraded"
    assert world.done == []
    world.reachable = True
    world.step()
    assert condition(world, "Ready")[0] == "True"


def test_workers_have_not_joined_because_a_scheduler_did_not_answer_before_it_was_healthy() -> None:
    world = World()
    world.reachable = False
    world.settle()
    observed = world.observe()
    assert observed.probe is not None
    before = dataclasses.replace(observed.probe, was_healthy=False)
    plan = cluster.plan(world.target, dataclasses.replace(observed, probe=before), now=world.now)
    assert plan.status.workers.running == 0
    ready = find_condition(plan.status.conditions, "Ready")
    assert ready
    assert ready.status == "False"
    assert plan.busy, "it is asked again at once"


def test_a_lost_answer_is_asked_for_again_with_the_same_token() -> None:
    world = World({"worker": {"replicas": 0}})
    while not world.live["scheduler"]:
        world.step(lose_answers=True)
    world.tasks.clear()  # not to be listed yet
    again = world.plan().actions
    assert [action.launch.token for action in again if isinstance(action, actions.RunTasks)] == list(world.tokens)
    world.step()
    assert len(world.tokens) == 1


def test_a_lost_launch_whose_request_would_differ_today_is_looked_for_and_then_dropped() -> None:
    world = running(replicas=1)
    world.scale(2)
    world.step(lose_calls=True)
    (lost,) = world.launches
    world.pass_time(1)
    world.edit(worker={"replicas": 2, "extraArgs": ["--resources", "A=1"]})
    asked_now = [action for action in world.plan().actions if isinstance(action, actions.RunTasks)]
    assert lost.token not in {action.launch.token for action in asked_now}
    world.pass_time(launch.UNSEEN_FOR.total_seconds())
    world.settle()
    assert lost.token not in world.tokens
    assert len(world.live["worker"]) == 2


def test_what_was_launched_is_looked_for_from_when_aws_last_gave_no_answer() -> None:
    world = running(replicas=1)
    world.scale(2)
    world.step(lose_calls=True)
    (lost,) = world.launches
    world.edit(worker={"replicas": 2, "extraArgs": ["--resources", "A=1"]})
    world.pass_time(launch.UNSEEN_FOR.total_seconds())
    world.launches = (dataclasses.replace(lost, sent_until=world.now - datetime.timedelta(seconds=1)),)
    assert not forgotten(world)
    assert world.plan().wake_at == world.now + launch.UNSEEN_FOR - datetime.timedelta(seconds=1)
    world.pass_time(launch.UNSEEN_FOR.total_seconds())
    assert forgotten(world) == [lost.token]


@pytest.mark.parametrize("edit", [{"suspend": True}, {"worker": {"replicas": 2, "extraArgs": ["--no-nanny"]}}])
def test_a_list_of_tasks_that_does_not_come_is_waited_for_without_haste(edit: dict[str, Any]) -> None:
    world = running(replicas=1)
    world.scale(2)
    world.step(lose_calls=True)
    observed = dataclasses.replace(world.observe(), listed_at=world.now)
    world.edit(**edit)
    world.pass_time(launch.UNSEEN_FOR.total_seconds())
    plan = cluster.plan(world.target, observed, now=world.now)
    assert plan.wake_at == world.now + launch.LOOK_AGAIN


def forgotten(world: World) -> list[str]:
    return [action.token for action in world.plan().actions if isinstance(action, actions.ForgetLaunch)]


def test_a_task_that_can_not_start_is_tried_again_later_and_later() -> None:
    world = World({"worker": {"replicas": 1}})
    starts: list[datetime.datetime] = []
    while len(starts) < 5:
        world.step()
        for task in world.live["worker"]:
            starts.append(world.now)
            world.stop(task.arn, stop_code="TaskFailedToStart", exit_code=None)
        world.pass_time(1)
    waits = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(starts)]
    assert waits == pytest.approx([10, 20, 40, 80], abs=2)
    assert condition(world, "SchedulerReady")[0] == "True"


def test_a_scheduler_that_runs_keeps_its_port_and_its_workers_when_the_spec_names_another() -> None:
    world = running()
    before = set(world.tasks)
    world.edit(scheduler={"port": 9786})
    world.settle()
    assert set(world.tasks) == before
    assert str(world.target.cluster.status.scheduler_address).endswith(":8786")
    group = asked(world, actions.EnsureSecurityGroup)[-1]
    assert {8786, 9786} <= {rule.from_port for rule in group.rules}


def test_the_groups_rules_are_not_touched_before_the_running_schedulers_ports_are_known() -> None:
    world = running()
    world.answers.clear()  # the operator is started anew
    observed = world.observe()
    blind = type(observed)(known=Known(answers=world.answers), tasks=None)
    for _ in range(3):
        for action in cluster.plan(world.target, blind, now=world.now).actions:
            assert not isinstance(action, actions.EnsureSecurityGroup)
            world.do(action)
    world.done.clear()
    world.settle()
    assert asked(world, actions.EnsureSecurityGroup)


def test_an_edit_tries_again_at_once() -> None:
    world = World({"worker": {"replicas": 1}})
    while not world.live["worker"]:
        world.step()
        world.pass_time(1)
    world.stop(world.live["worker"][0].arn, stop_code="TaskFailedToStart", exit_code=None)
    world.step()
    assert not world.live["worker"]
    world.edit(image="dask:2")
    world.step()
    world.step()
    assert len(world.live["worker"]) == 1


def test_what_is_on_hold_is_left_out_until_its_time_and_said_in_the_conditions() -> None:
    world = running(replicas=0)
    world.scale(1)
    hold = Hold(
        subject="worker",
        reason="NoGPUs",
        message="RESOURCE:GPU",
        attempts=1,
        retry_at=world.now + datetime.timedelta(seconds=30),
        generation=2,
        waits_for_user=True,
    )
    observed = world.observe()
    held = type(observed)(**{**vars(observed), "holds": {"worker": hold}})
    plan = cluster.plan(world.target, held, now=world.now)
    assert not plan.actions
    assert plan.wake_at is not None
    assert plan.wake_at <= hold.retry_at
    workers = find_condition(plan.status.conditions, "WorkersReady")
    stalled = find_condition(plan.status.conditions, "Stalled")
    assert workers is not None
    assert workers.message == "RESOURCE:GPU"
    assert stalled is not None
    assert stalled.status == "True"
    later = cluster.plan(world.target, held, now=hold.retry_at)
    assert [type(action) for action in later.actions] == [actions.RunTasks]


def test_a_command_that_is_too_long_for_ecs_is_refused_with_the_reason() -> None:
    world = World({"scheduler": {"extraArgs": ["x" * 1000] * 10}})
    for _ in range(5):
        world.step()
    assert not world.tasks
    status, reason, message = condition(world, "Stalled")
    assert (status, reason) == ("True", "CommandTooLong")
    assert message.endswith("ECS takes: shorten spec.scheduler.extraArgs (now 10,040).")


def test_what_is_there_before_the_first_task_is_no_news_but_what_keeps_it_is() -> None:
    world = World({"worker": {"replicas": 1}})
    first = world.plan().status
    while not world.plan().status.task_definitions.worker:
        world.step()
    assert condition(world, "RolesReady")[0] == "True"
    assert not status.is_news(first, world.plan().status)
    refused = World({"iam": {"taskRoleArn": "arn:aws:iam::123456789012:role/theirs"}})
    assert status.is_news(first, refused.plan().status)


def test_how_many_workers_have_come_is_no_news_but_that_all_have_is() -> None:
    world = running(replicas=1)
    world.scale(3)
    world.step()
    first = world.plan().status
    world.pass_time(1)
    (one, _) = [task for task in world.live["worker"] if not task.is_running]
    second = world.plan().status
    assert not status.is_news(first, second)
    world.stop(one.arn)
    assert status.is_news(first, world.plan().status), "a worker failed"
    assert status.is_news(second, running(replicas=3).plan().status)


def test_a_worker_that_ends_young_is_not_run_again_at_once_however_well_it_ended() -> None:
    world = running(replicas=1)
    for _ in range(8):
        for task in world.live["worker"]:
            if task.is_running:
                world.stop(task.arn, exit_code=0)
        world.step()
        world.pass_time(1)
    assert len([run for run in asked(world, actions.RunTasks) if run.launch.role == "worker"]) <= 4
