"""How an edit comes to the tasks that run already, tried on a world in memory."""

import dataclasses
import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dask_ecs.api.conditions import find_condition
from dask_ecs.api.spec import DaskClusterSpec
from dask_ecs.api.update_strategy import UpdateStrategy
from dask_ecs.plan import actions, cluster, rollout_progress, spec_mark
from dask_ecs.plan.observed import Hold

from .world import World, asked, condition, running

GREEN = [{"name": "COLOUR", "value": "green"}]


def edit_workers(world: World, **worker: Any) -> None:
    world.edit(worker={**world.body["spec"]["worker"], **worker})


def test_edited_workers_are_replaced_by_ones_that_join_first() -> None:
    world = running(replicas=4)
    old = {task.arn for task in world.live["worker"]}
    edit_workers(world, environment=GREEN)
    world.step()  # the definition
    world.step()
    assert old < {task.arn for task in world.live["worker"]}
    assert len(world.live["worker"]) == 5
    world.settle()
    assert not old & {task.arn for task in world.live["worker"]}
    assert len(world.live["worker"]) == 4
    assert {action.why for action in asked(world, actions.RetireWorkers)} == {"the spec was edited"}
    assert not asked(world, actions.StopTask)
    assert condition(world, "UpToDate")[:2] == ("True", "AllUpdated")


@pytest.mark.parametrize(
    "edit",
    [{"extraArgs": ["--lifetime", "1h"]}, {"memory": "8Gi"}, {"threads": 2}, {"image": "dask:2"}],
    ids=lambda edit: next(iter(edit)),
)
def test_whatever_is_edited_of_the_workers_their_scheduler_stays(edit: dict[str, Any]) -> None:
    world = running(replicas=2)
    (scheduler,), old = world.live["scheduler"], world.live["worker"]
    edit_workers(world, **edit)
    world.settle()
    assert world.live["scheduler"] == [world.tasks[scheduler.arn]]
    assert not {task.arn for task in old} & {task.arn for task in world.live["worker"]}


def test_a_volume_that_workers_alone_mount_is_no_edit_of_their_scheduler() -> None:
    world = running(replicas=2)
    (scheduler,) = world.live["scheduler"]
    world.edit(
        volumes=[{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-0123456789abcdef0"}}],
        worker={"replicas": 2, "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]},
    )
    world.settle()
    assert world.live["scheduler"] == [world.tasks[scheduler.arn]]
    assert condition(world, "UpToDate")[0] == "True"


def test_what_is_not_of_the_tasks_replaces_none() -> None:
    world = running(replicas=2)
    before = world.live
    world.edit(
        tags={"team": "a"}, network={"allowedCidrs": ["10.0.0.0/8"]}, logs={"retentionDays": 7}, worker={"replicas": 2}
    )
    edit_workers(world, cpu="4000m", memory="16384Mi")  # as much as before, in other words
    world.settle()
    assert world.live == before


def test_while_workers_are_replaced_the_cluster_is_ready_and_reconciling() -> None:
    world = running(replicas=4)
    edit_workers(world, environment=GREEN)
    seen = set()
    for _ in range(40):
        plan = world.step()
        world.pass_time(1)
        assert condition(world, "Ready")[0] == "True"
        seen.add((condition(world, "UpToDate")[1], condition(world, "Reconciling")[0]))
    assert seen == {("RollingOut", "True"), ("AllUpdated", "False")}
    assert plan.status.workers.updated == 4


def test_another_scheduler_is_not_put_in_its_place_but_asked_for_in_words() -> None:
    world = running(replicas=2)
    before = world.live
    world.edit(scheduler={"cpu": "2", "memory": "8Gi"})
    world.settle()
    assert world.live == before
    status, reason, message = condition(world, "UpToDate")
    assert (status, reason) == ("False", "SchedulerOutdated")
    assert "spec.updateStrategy.type to Recreate" in message
    assert condition(world, "Ready")[0] == "True"
    assert condition(world, "Reconciling")[0] == "False"


def test_a_scheduler_that_is_still_starting_makes_way_for_another() -> None:
    world = World({"worker": {"replicas": 1}, "image": "dsak:1"})
    while not world.live["scheduler"]:
        world.step()
    world.pass_time(1)  # it has an address
    world.step()
    wrong = {task.arn for tasks in world.live.values() for task in tasks}
    assert len(wrong) == 2
    world.edit(image="dask:1")
    world.step()  # the definitions
    world.step()
    assert not any(world.live.values())
    world.settle()
    assert not wrong & {task.arn for tasks in world.live.values() for task in tasks}
    assert condition(world, "UpToDate")[0] == "True"


def test_an_image_that_both_have_waits_for_the_scheduler_to_be_restarted() -> None:
    world = running(replicas=2, image="dask:1")
    before = world.live
    world.edit(image="dask:2")
    world.settle()
    assert world.live == before
    assert "2 of 2 workers run an older spec and keep their image" in condition(world, "UpToDate")[2]
    world.edit(updateStrategy={"type": "Recreate"})
    world.settle()
    assert condition(world, "UpToDate")[0] == "True"
    assert not {task.arn for tasks in before.values() for task in tasks} & {
        task.arn for tasks in world.live.values() for task in tasks
    }
    assert [len(tasks) for tasks in world.live.values()] == [1, 2]


def images(world: World) -> list[str]:
    return sorted(task.image or "" for task in world.live["worker"])


@pytest.mark.parametrize("strategy", ["RollingUpdate", "OnDelete"])
@pytest.mark.parametrize("digest", [None, "sha256:1"])
def test_workers_that_are_started_beside_a_scheduler_of_the_old_image_run_that_too(
    strategy: str, digest: str | None
) -> None:
    world = World({"worker": {"replicas": 2}, "image": "dask:1", "updateStrategy": {"type": strategy}})
    world.registry = {"dask:1": digest} if digest else {}
    world.settle()
    world.edit(image="dask:2")
    world.settle()
    world.stop(world.live["worker"][0].arn)
    world.settle()
    old = f"dask@{digest}" if digest else "dask:1"
    assert images(world) == ["dask:1", old]
    world.scale(3)
    world.settle()
    assert images(world) == ["dask:1", old, old]
    assert not asked(world, actions.RetireWorkers)
    world.pass_time(3600)
    for task in world.live["worker"]:
        world.stop(task.arn)
    world.settle()
    assert images(world) == [old] * 3
    world.edit(updateStrategy={"type": "Recreate"})
    world.settle()
    assert images(world) == ["dask:2"] * 3
    assert condition(world, "UpToDate")[0] == "True"


def test_the_first_workers_of_a_scheduler_of_the_old_image_run_that_too() -> None:
    world = running(replicas=0, image="dask:1")
    world.edit(image="dask:2")
    world.settle()
    world.scale(2)
    world.settle()
    assert images(world) == ["dask:1"] * 2
    world.edit(image="dask:1")
    world.settle()
    assert condition(world, "UpToDate")[0] == "True"
    assert images(world) == ["dask:1"] * 2


def test_workers_whose_image_is_their_own_keep_it_until_the_scheduler_s_changes_too() -> None:
    world = running(replicas=2, scheduler={"image": "dask:1"}, worker={"replicas": 2, "image": "dask:1-big"})
    world.edit(scheduler={"image": "dask:2"}, worker={"replicas": 3, "image": "dask:2-big"})
    world.settle()
    assert images(world) == ["dask:1-big"] * 3


def test_an_image_that_no_worker_could_run_by_holds_none_to_it() -> None:
    world = World({"worker": {"replicas": 1}, "image": "dask:no-cuda"})
    while not world.live["worker"]:
        world.step()
        world.pass_time(1)
    world.pass_time(1)
    world.stop(world.live["worker"][0].arn, exit_code=127)
    world.edit(image="dask:cuda")
    world.settle()
    assert images(world) == ["dask:cuda"]
    assert condition(world, "UpToDate")[1] == "SchedulerOutdated"


def test_variables_that_both_have_come_to_the_workers() -> None:
    world = running(replicas=2)
    (scheduler,), old = world.live["scheduler"], world.live["worker"]
    world.edit(environment=GREEN)
    world.settle()
    assert world.live["scheduler"] == [world.tasks[scheduler.arn]]
    assert not {task.arn for task in old} & {task.arn for task in world.live["worker"]}
    assert condition(world, "UpToDate")[1] == "SchedulerOutdated"


def test_recreate_stops_all_workers_of_an_older_spec_before_others_are_run() -> None:
    world = running(replicas=4, updateStrategy={"type": "Recreate"})
    (scheduler,) = world.live["scheduler"]
    edit_workers(world, environment=GREEN)
    counts = []
    for _ in range(10):
        world.step()
        counts.append(len(world.live["worker"]))
        world.pass_time(1)
    assert 0 in counts
    assert max(counts) == 4
    assert world.live["scheduler"] == [world.tasks[scheduler.arn]]
    assert condition(world, "UpToDate")[0] == "True"


def test_on_delete_replaces_a_worker_when_it_ends() -> None:
    world = running(replicas=2, updateStrategy={"type": "OnDelete"})
    first, second = world.live["worker"]
    edit_workers(world, environment=GREEN)
    world.settle()
    assert world.live["worker"] == [first, second]
    assert condition(world, "UpToDate") == (
        "False",
        "OnDelete",
        "2 of 2 workers run an older spec; each is replaced when it ends.",
    )
    world.pass_time(120)
    world.stop(first.arn)
    world.settle()
    assert world.target.cluster.status.workers.updated == 1


def test_workers_that_are_still_starting_with_an_older_spec_are_stopped() -> None:
    world = running(replicas=2)
    world.scale(6)
    world.step()
    starting = {task.arn for task in world.live["worker"] if task.last_status == "PROVISIONING"}
    edit_workers(world, environment=GREEN)
    world.settle()
    assert starting == {action.task_arn for action in asked(world, actions.StopTask)}


def test_workers_that_never_join_leave_the_old_ones_where_they_are() -> None:
    world = running(replicas=4)
    old = world.live["worker"]
    edit_workers(world, image="dask:2")
    for _ in range(60):
        world.step()
        world.pass_time(1)
        for task in world.live["worker"]:
            if task.last_status != "PROVISIONING" and task not in old:
                world.stop(task.arn)
    assert set(old) <= set(world.live["worker"])
    assert condition(world, "UpToDate")[1] == "RolloutStuck"
    assert condition(world, "Ready")[0] == "True"


def test_a_scheduler_that_can_not_be_asked_loses_no_worker_that_may_have_joined() -> None:
    world = running(replicas=4)
    world.reachable = False
    for task in world.live["scheduler"]:
        world._update(task.arn, health="UNHEALTHY")
    old = world.live["worker"]
    edit_workers(world, environment=GREEN)
    for _ in range(10):
        world.step()
    assert set(old) <= set(world.live["worker"])


def test_a_task_of_an_operator_that_gave_it_no_mark_is_let_be() -> None:
    world = running(replicas=2)
    for task in world.tasks:
        world._update(task, spec_mark=None)
    before = world.live
    world.settle()
    assert world.live == before


@pytest.mark.parametrize(
    ("surge", "unavailable", "desired", "bounds"),
    [
        ("25%", "0", 10, (3, 0)),
        ("0", "25%", 10, (0, 2)),
        ("0", "25%", 2, (0, 1)),
        ("2", "1", 0, (2, 1)),
        ("100%", "100%", 3, (3, 3)),
        ("25%", "0", 0, (0, 1)),
    ],
)
def test_shares_are_of_the_workers_wanted(surge: str, unavailable: str, desired: int, bounds: tuple[int, int]) -> None:
    strategy = UpdateStrategy(max_surge=surge, max_unavailable=unavailable)
    assert (strategy.surge(desired), strategy.unavailable(desired)) == bounds


@settings(max_examples=30)
@given(
    replicas=st.integers(1, 12),
    surge=st.sampled_from(["0", "1", "3", "25%", "50%", "100%"]),
    unavailable=st.sampled_from(["0", "1", "2", "25%", "100%"]),
    reachable=st.booleans(),
    edits=st.lists(st.integers(0, 6), min_size=1, max_size=3),
    slow=st.integers(1, 4),
)
def test_a_rollout_keeps_its_bounds_and_ends(
    replicas: int, surge: str, unavailable: str, reachable: bool, edits: list[int], slow: int
) -> None:
    if {surge, unavailable} == {"0"}:
        surge = "1"
    strategy = {"type": "RollingUpdate", "maxSurge": surge, "maxUnavailable": unavailable}
    world = running(replicas=replicas, updateStrategy=strategy)
    world.reachable = reachable
    bounds = world.target.cluster.spec.update_strategy
    (scheduler,) = world.live["scheduler"]
    for number, pause in enumerate(edits):
        edit_workers(world, environment=[{"name": "EDIT", "value": str(number)}])
        for step in range(pause if number < len(edits) - 1 else 600):
            plan = world.step()
            joined = [task for task in world.live["worker"] if task.is_running]
            assert len(joined) >= replicas - bounds.unavailable(replicas)
            assert len(world.live["worker"]) <= replicas + bounds.surge(replicas)
            if step % slow == 0:
                world.pass_time(1)
            if condition(world, "UpToDate")[0] == "True" and not plan.actions:
                break
    assert condition(world, "UpToDate")[0] == "True"
    mark = str(spec_mark.of_role(world.target, "worker"))
    assert [task.spec_mark for task in world.live["worker"]] == [mark] * replicas
    assert world.live["scheduler"] == [world.tasks[scheduler.arn]]


# Whoever adds a field of the spec decides: an edit of it replaces tasks, or it stands in `spec_mark.IN_PLACE`.
OF_TASKS = {
    "launchType",
    "image",
    "region",
    "clusterArn",
    "isolation",
    "cpuArchitecture",
    "platformVersion",
    "scheduler",
    "worker",
    "environment",
    "secrets",
    "imageCredentials",
    "volumes",
    "network",
    "iam",
    "logs",
    "enableExecuteCommand",
    "tls",
}


def test_of_every_field_it_is_decided_whether_its_edit_replaces_tasks() -> None:
    fields = {field.alias for field in DaskClusterSpec.model_fields.values()}
    in_place = {path for path in spec_mark.IN_PLACE if "." not in path}
    assert fields == OF_TASKS | in_place, "put a new field into OF_TASKS here, or into spec_mark.IN_PLACE"


def test_an_edit_in_place_leaves_no_empty_trace() -> None:
    plain = World({"worker": {"replicas": 2}, "logs": {"group": "/team/dask"}})
    edited = World(
        {
            "worker": {"replicas": 3},
            "logs": {"group": "/team/dask", "retentionDays": 7, "deletionPolicy": "Delete"},
            "tags": {"a": "b"},
        }
    )
    for role in ("scheduler", "worker"):
        assert spec_mark.of_role(plain.target, role) == spec_mark.of_role(edited.target, role)


def test_the_operator_s_default_image_is_no_edit() -> None:
    world = running(replicas=2)
    before = world.live
    world.settings = dataclasses.replace(world.settings, default_image="dask:99")
    world.settle()
    assert world.live == before


def stuck_rollout(**worker: Any) -> World:
    """A cluster of two workers and a new one that has just been asked for."""
    world = running(replicas=2)
    edit_workers(world, environment=GREEN, **worker)
    world.step()  # the definition
    world.step()
    assert len(world.live["worker"]) == 3
    return world


def test_a_rollout_whose_workers_can_not_start_is_stuck_and_the_old_ones_run_on() -> None:
    world = stuck_rollout()
    old = {task.arn for task in world.live["worker"] if task.is_running}
    (new,) = (task for task in world.live["worker"] if not task.is_running)
    world.stop(new.arn, stop_code="TaskFailedToStart", exit_code=None)
    world.tasks[new.arn] = dataclasses.replace(
        world.tasks[new.arn], stopped_reason="CannotPullContainerError: pull image manifest has been retried 1 time(s)"
    )
    world.step()
    status, reason, message = condition(world, "UpToDate")
    assert (status, reason) == ("False", "RolloutStuck")
    assert message.startswith("2 of 2 workers run an older spec and stay")
    assert "CannotPullContainerError" in message
    assert "It is tried again at 2026-" in message
    assert {task.arn for task in world.live["worker"]} == old
    assert condition(world, "Ready")[0] == "True"
    assert condition(world, "Reconciling") == ("True", "Progressing", message)
    edit_workers(world, environment=[])  # as it was
    world.settle()
    assert condition(world, "UpToDate")[:2] == ("True", "AllUpdated")
    assert {task.arn for task in world.live["worker"]} == old


def test_a_rollout_that_aws_refuses_is_stuck_with_its_reason() -> None:
    world = running(replicas=2)
    edit_workers(world, environment=GREEN)
    world.step()
    hold = Hold(
        subject="worker",
        reason="VcpuQuotaReached",
        message="The quota of vCPUs is reached.",
        attempts=1,
        retry_at=world.now + datetime.timedelta(minutes=1),
        generation=2,
    )
    observed = dataclasses.replace(world.observe(), holds={"worker": hold})
    said = cluster.plan(world.target, observed, now=world.now).status
    found = find_condition(said.conditions, "UpToDate")
    assert found is not None
    assert found.reason == "RolloutStuck"
    assert "The quota of vCPUs is reached." in found.message


def test_a_rollout_whose_worker_runs_and_does_not_join_is_stuck_after_ten_minutes() -> None:
    world = stuck_rollout()
    (new,) = (task for task in world.live["worker"] if not task.is_running)
    world.pass_time(1)
    asked_at = world.now
    plan = world.step()
    assert condition(world, "UpToDate")[1] == "RollingOut"
    assert plan.wake_at is not None
    assert plan.wake_at <= new.created_at + rollout_progress.DEADLINE
    world.now = asked_at + rollout_progress.DEADLINE
    world.step()
    assert condition(world, "UpToDate")[1] == "RolloutStuck"
    assert f"`dask-ecs logs demo worker {new.id}`" in condition(world, "UpToDate")[2]
    for _ in range(2):
        world.pass_time(1)
    world.settle()
    assert condition(world, "UpToDate")[1] == "AllUpdated"
