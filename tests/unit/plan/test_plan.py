"""What one object needs, tried on a world in memory."""

import datetime
import itertools
from typing import Any

import pytest

from dask_ecs.api.conditions import find_condition
from dask_ecs.plan import actions, cluster, launch, status
from dask_ecs.plan import made as made_things
from dask_ecs.plan.action import Action
from dask_ecs.plan.observed import Hold, Known

from .world import SETTINGS, World


def running(replicas: int = 2, **spec: Any) -> World:
    world = World({"worker": {"replicas": replicas}, **spec})
    world.settle()
    return world


def condition(world: World, name: str) -> tuple[str, str, str]:
    found = find_condition(world.target.cluster.status.conditions, name)
    assert found is not None
    return found.status, found.reason, found.message


def asked(world: World, kind: type[Action[Any]]) -> list[Any]:
    return [action for action in world.done if isinstance(action, kind)]


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
    world.edit(worker={"replicas": 2, "extraArgs": ["--resources", "A=1"]})
    assert not [action for action in world.plan().actions if isinstance(action, actions.RunTasks)]
    world.pass_time(launch.UNSEEN_FOR.total_seconds())
    world.settle()
    assert lost.token not in world.tokens
    assert len(world.live["worker"]) == 2


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
    world.settle()
    assert isinstance(world.done[-1], actions.EnsureSecurityGroup)


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


@pytest.mark.parametrize(
    ("iam", "flag"),
    [
        ({"executionRoleArn": "arn:aws:iam::123456789012:role/admin"}, "--allow-role"),
        ({"taskRoleArn": "arn:aws:iam::123456789012:role/admin"}, "--allow-role"),
        ({"taskRolePolicies": ["arn:aws:iam::aws:policy/AdministratorAccess"]}, "--allow-task-role-policy"),
    ],
)
def test_what_the_operators_owner_does_not_admit_is_refused(iam: dict[str, Any], flag: str) -> None:
    world = World({"iam": iam})
    plan = world.step()
    assert not plan.actions
    status, _, message = condition(world, "Stalled")
    assert status == "True"
    assert flag in message


def test_a_command_that_is_too_long_for_ecs_is_refused_with_the_reason() -> None:
    world = World({"scheduler": {"extraArgs": ["x" * 1000] * 10}})
    for _ in range(5):
        world.step()
    assert not world.tasks
    assert condition(world, "Stalled")[:2] == ("True", "CommandTooLong")


def test_deletion_lets_dask_end_its_tasks_then_takes_all_that_was_made() -> None:
    world = running()
    world.done.clear()
    world.delete()
    world.settle()
    assert world.gone
    assert asked(world, actions.TerminateScheduler)
    assert not asked(world, actions.StopTask)
    kinds = [type(action) for action in world.done]
    assert kinds.index(actions.TerminateScheduler) < kinds.index(actions.DeleteSecurityGroup)
    assert {
        actions.DeregisterTaskDefinition,
        actions.DeleteRole,
        actions.DeleteSecurityGroup,
        actions.DeleteEcsCluster,
    } <= set(kinds)
    assert {str(made) for made in made_things.wanted(world.target)} == {
        action.thing for action in world.done if action.thing
    }


def test_what_dask_does_not_end_in_time_is_stopped_the_scheduler_first() -> None:
    world = running()
    world.ends_when_told = False
    world.delete()
    world.step()
    world.pass_time(5)
    world.step()
    assert not asked(world, actions.StopTask)
    world.settle()
    stops = asked(world, actions.StopTask)
    assert len(stops) == 3
    assert world.tasks[stops[0].task_arn].role == "scheduler"
    assert world.gone


def test_workers_whose_scheduler_has_ended_as_it_was_told_have_their_time_too() -> None:
    world = running()
    world.ends_when_told = False
    world.delete()
    world.step()
    world.step()
    (scheduler,) = world.live["scheduler"]
    world.stop(scheduler.arn, exit_code=0)
    world.pass_time(5)
    world.step()
    assert not asked(world, actions.StopTask)
    world.settle()
    assert len(asked(world, actions.StopTask)) == 2


def test_workers_that_have_not_joined_are_stopped_at_once_when_all_ends() -> None:
    world = running(replicas=1)
    world.scale(3)
    world.step()
    starting = {task.arn for task in world.live["worker"] if not task.is_running}
    world.delete()
    world.step()
    world.step()
    assert {stop.task_arn for stop in asked(world, actions.StopTask)} == starting


def test_what_others_use_too_stays_and_loses_only_this_clusters_rules() -> None:
    world = running()
    world.done.clear()
    world.in_use = frozenset(world.body["status"]["made"])
    world.delete()
    world.settle()
    assert world.gone
    kinds = {type(action).__name__ for action in world.done}
    assert kinds == {"FindEcsCluster", "TerminateScheduler", "ReviseSecurityGroup"}


def test_clusters_of_a_namespace_that_ask_for_the_same_ask_for_the_same_things() -> None:
    one, other, third = World(), World(), World({"worker": {"replicas": 9, "cpu": 2, "memory": "4Gi"}})
    other.body["metadata"] |= {"name": "other", "uid": "u-2"}
    elsewhere = World()
    elsewhere.body["metadata"] |= {"namespace": "elsewhere"}
    assert made_things.wanted(one.target) == made_things.wanted(other.target)
    assert len(set(made_things.wanted(one.target)) - set(made_things.wanted(third.target))) == 1
    assert not set(made_things.wanted(one.target)) & set(made_things.wanted(elsewhere.target))


def test_an_isolated_cluster_shares_nothing() -> None:
    one, other = World({"isolation": "cluster"}), World({"isolation": "cluster"})
    other.body["metadata"] |= {"uid": "u-2"}
    assert not set(made_things.wanted(one.target)) & set(made_things.wanted(other.target))


def test_what_is_to_be_made_is_written_before_it_is_made() -> None:
    world = World()
    plan = world.plan()
    assert plan.status.made == tuple(sorted(map(str, made_things.wanted(world.target))))
    world.settle()
    made = {action.thing for action in world.done if action.thing}
    assert made == set(plan.status.made)


def test_deletion_leaves_what_the_user_gave_unseen() -> None:
    settings_ = type(SETTINGS)(**{**vars(SETTINGS), "allow_roles": ("*",)})
    role = "arn:aws:iam::123456789012:role/given"
    spec = {
        "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/given",
        "iam": {"executionRoleArn": role, "taskRoleArn": role},
        "network": {"securityGroups": ["sg-0123456789abcdef0"], "subnets": ["subnet-0123456789abcdef0"]},
    }
    world = World(spec, settings=settings_)
    world.settle()
    world.done.clear()
    world.delete()
    world.settle()
    kinds = {type(action).__name__ for action in world.done}
    assert kinds == {"FindEcsCluster", "TerminateScheduler", "DeregisterTaskDefinition"}


def test_deletion_waits_for_a_launch_of_unknown_outcome() -> None:
    world = running(replicas=0)
    world.scale(3)
    world.step(lose_answers=True)
    hidden = {task.arn: task for task in world.live["worker"]}
    assert len(hidden) == 3
    for arn in hidden:
        del world.tasks[arn]
    world.delete()
    for _ in range(20):
        world.step()
        world.pass_time(1)
    assert not world.gone
    world.tasks |= hidden
    world.settle()
    assert world.gone
    assert all(task.is_stopped for task in world.tasks.values())


def test_a_long_name_gives_names_that_aws_takes() -> None:
    world = World()
    world.body["metadata"] |= {"name": "n" * 253, "namespace": "s" * 63}
    for isolation in ("namespace", "cluster"):
        world.edit(isolation=isolation)
        for thing in made_things.wanted(world.target):
            assert len(thing.name) <= (64 if thing.kind == "iam-role" else 255), thing


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


def test_definitions_of_older_specs_go_once_no_task_runs_them_and_are_listed_no_more() -> None:
    world = running(replicas=1)
    older = {thing for thing in made_things.wanted(world.target) if thing.kind == "task-definition"}
    world.edit(image="dask:2")
    world.settle()
    assert not asked(world, actions.DeregisterTaskDefinition), "both are in use"
    assert {str(thing) for thing in older} <= set(world.body["status"]["made"])
    for task in [*world.live["scheduler"], *world.live["worker"]]:
        world.stop(task.arn)
    world.settle()
    world.settle()
    assert {action.thing for action in asked(world, actions.DeregisterTaskDefinition)} == {
        str(thing) for thing in older
    }
    assert set(world.body["status"]["made"]) == {str(thing) for thing in made_things.wanted(world.target)}


def test_definitions_of_older_specs_that_others_use_are_left_to_them() -> None:
    world = running(replicas=0)
    older = {str(thing) for thing in made_things.wanted(world.target) if thing.kind == "task-definition"}
    world.in_use = frozenset(older)
    world.edit(image="dask:2")
    (scheduler,) = world.live["scheduler"]
    world.stop(scheduler.arn)
    world.settle()
    assert not asked(world, actions.DeregisterTaskDefinition)
    assert not older & set(world.body["status"]["made"])


def test_a_worker_that_ends_young_is_not_run_again_at_once_however_well_it_ended() -> None:
    world = running(replicas=1)
    for _ in range(8):
        for task in world.live["worker"]:
            if task.is_running:
                world.stop(task.arn, exit_code=0)
        world.step()
        world.pass_time(1)
    assert len([run for run in asked(world, actions.RunTasks) if run.launch.role == "worker"]) <= 4


def test_where_nothing_was_made_the_object_goes_without_a_call() -> None:
    world = World({"region": "eu-wst-1"})
    world.body["status"] = world.plan().status.model_dump(mode="json", exclude_none=True)
    world.delete()
    assert world.plan().gone
    assert world.plan().actions == ()
