"""A user's own parameters of RunTask: merged under ours, and admitted or not."""

import contextlib
import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dask_ecs.api.spec import DaskClusterSpec
from dask_ecs.plan import actions, run_task_overrides, worker_size
from dask_ecs.plan.problems import NeedsUser
from dask_ecs.plan.run_task_form import FORM

from .world import SETTINGS, World, asked, condition

ROLE = "arn:aws:iam::123456789012:role/team"
MAX_SPILL = "DASK_DISTRIBUTED__WORKER__MEMORY__MAX_SPILL"
DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/theirs:3"


def ran(overrides: dict[str, Any], *, admit: tuple[str, ...] = ("*",), **worker: Any) -> dict[str, Any]:
    settings = dataclasses.replace(SETTINGS, allow_roles=admit, allow_task_definitions=("*",))
    world = World({"worker": {"replicas": 1, "runTaskOverrides": overrides, **worker}}, settings=settings)
    world.settle()
    scheduler, worker = (dict(action.request) for action in asked(world, actions.RunTasks))
    assert "group" not in scheduler
    return worker


def test_what_the_operator_does_not_say_goes_to_aws_as_it_is() -> None:
    disk = {"name": "scratch", "managedEBSVolume": {"sizeInGiB": 100, "roleArn": ROLE}}
    overrides = {
        "group": "nightly",
        "volumeConfigurations": [disk],
        "overrides": {"ephemeralStorage": {"sizeInGiB": 50}, "taskRoleArn": ROLE},
    }
    request = ran(overrides, taskDefinitionArn=DEFINITION)
    assert request["group"] == "nightly"
    assert request["volumeConfigurations"] == [disk]
    assert request["overrides"]["ephemeralStorage"] == {"sizeInGiB": 50}
    assert request["overrides"]["taskRoleArn"] == ROLE


def test_what_the_operator_says_itself_wins() -> None:
    worker = {
        "name": "worker",
        "command": ["true"],
        "memoryReservation": 512,
        "environment": [
            {"name": "LEVEL", "value": "debug"},
            {"name": "DASK_ECS_LAUNCH", "value": "somebody's"},
            {"name": "DASK_SCHEDULER_ADDRESS", "value": "tcp://10.0.0.1:1"},
        ],
    }
    agent = {"name": "agent", "environment": [{"name": "SITE", "value": "eu"}]}
    tags = [{"key": "ecs.dask.org/uid", "value": "another"}, {"key": "cost", "value": "1"}]
    request = ran({"overrides": {"containerOverrides": [agent, worker]}, "tags": tags})
    ours, beside = request["overrides"]["containerOverrides"]
    assert beside == agent
    assert ours["command"][:2] == ["dask", "worker"]
    assert ours["memoryReservation"] == 512
    environment = [(variable["name"], variable["value"]) for variable in ours["environment"]]
    assert len(environment) == len(dict(environment))
    assert dict(environment)["LEVEL"] == "debug"
    assert dict(environment)["DASK_ECS_LAUNCH"] == request["clientToken"]
    assert dict(environment)["DASK_SCHEDULER_ADDRESS"] != "tcp://10.0.0.1:1"
    found = [(tag["key"], tag["value"]) for tag in request["tags"]]
    assert len(found) == len(dict(found))
    assert dict(found).items() >= {"ecs.dask.org/uid": "u-1", "cost": "1"}.items()


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"overrides": {"taskRoleArn": ROLE}}, "overrides.taskRoleArn"),
        ({"overrides": {"executionRoleArn": "admin"}}, "overrides.executionRoleArn"),
        (
            {"volumeConfigurations": [{"name": "a", "managedEBSVolume": {"roleArn": ROLE}}]},
            "volumeConfigurations[0].managedEBSVolume.roleArn",
        ),
    ],
)
def test_a_role_that_the_owner_does_not_admit_is_refused(overrides: dict[str, Any], field: str) -> None:
    settings = dataclasses.replace(SETTINGS, allow_roles=("arn:aws:iam::*:role/other",), allow_task_definitions=("*",))
    worker = {"replicas": 1, "runTaskOverrides": overrides, "taskDefinitionArn": DEFINITION}
    world = World({"worker": worker}, settings=settings)
    world.step()
    status, reason, message = condition(world, "Stalled")
    assert (status, reason) == ("True", "RoleNotAllowed")
    assert f"spec.worker.runTaskOverrides.{field}: " in message
    assert "--allow-role" in message
    assert not asked(world, actions.RunTasks)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"launchType": "EC2", "cluster": "a"}, "can not have cluster, launchType: possible are group, overrides,"),
        ({"group": 1}, "spec.worker.runTaskOverrides.group has to be a text, in quotes: see RunTask in the ECS API"),
        ({"overrides": []}, "spec.worker.runTaskOverrides.overrides has to be an object"),
        ({"overrides": {"cpu": 1024}}, "overrides.cpu has to be a text, in quotes"),
        ({"overrides": {"taskRoleArn": None}}, "overrides.taskRoleArn has to be a text"),
        (
            {"overrides": {"ephemeralStorage": {"sizeInGiB": "50"}}},
            "sizeInGiB has to be a whole number, without quotes",
        ),
        ({"overrides": {"containerOverrides": {"name": "worker"}}}, "overrides.containerOverrides has to be a list"),
        ({"overrides": {"containerOverrides": [{"name": ["worker"]}]}}, "containerOverrides[0].name has to be a text"),
        ({"overrides": {"containerOverrides": [{"environment": {"A": "1"}}]}}, "[0].environment has to be a list"),
        (
            {"overrides": {"containerOverrides": [{"environment": [{"name": "A", "value": "b"}, {"name": {"a": 1}}]}]}},
            "[0].environment[1].name has to be a text",
        ),
        ({"tags": {"team": "a"}}, "spec.worker.runTaskOverrides.tags has to be a list"),
        (
            {"tags": [{"key": ["a"]}], "group": True},
            "group has to be a text, in quotes; spec.worker.runTaskOverrides.tags",
        ),
        ({"volumeConfigurations": ["a"]}, "spec.worker.runTaskOverrides.volumeConfigurations[0] has to be an object"),
        ({"volumeConfigurations": [{"managedEBSVolume": "x"}]}, "[0].managedEBSVolume has to be an object"),
        ({"volumeConfigurations": [{"name": "a"}]}, "name one of yours in spec.worker.taskDefinitionArn"),
    ],
)
def test_what_can_not_be_merged_is_named_and_a_deletion_goes_through(overrides: dict[str, Any], says: str) -> None:
    world = World({"worker": {"replicas": 1, "runTaskOverrides": overrides}})
    world.step()
    status, reason, message = condition(world, "Stalled")
    assert (status, reason) == ("True", "RunTaskOverridesRefused")
    assert says in message
    world.delete()
    world.settle()
    assert world.gone


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def anything_like(form: Any) -> st.SearchStrategy[Any]:
    """Things of this form, with anything at all in any place of it."""
    if isinstance(form, dict):
        return JSON | st.fixed_dictionaries({}, optional={name: anything_like(part) for name, part in form.items()})
    if isinstance(form, list):
        return JSON | st.lists(anything_like(form[0]), max_size=2)
    return JSON | (st.sampled_from(["worker", ROLE, "1024"]) if form is str else st.integers(1, 4096))


@given(
    overrides=st.fixed_dictionaries({}, optional={name: anything_like(form) for name, form in FORM.items()}),
    own=st.sampled_from([{}, {"taskDefinitionArn": DEFINITION}]),
)
def test_whatever_the_parameters_are_they_are_merged_or_refused(overrides: dict[str, Any], own: dict[str, Any]) -> None:
    spec = DaskClusterSpec.model_validate({"worker": {"runTaskOverrides": overrides, **own}})
    sent = {"name": "worker", "command": ["dask"], "environment": [{"name": "DASK", "value": "ours"}]}
    request = {"overrides": {"containerOverrides": [sent]}, "tags": [{"key": "team", "value": "ours"}]}
    with contextlib.suppress(NeedsUser):
        merged = run_task_overrides.under(request, run_task_overrides.given(spec, "worker"))
        first = merged["overrides"]["containerOverrides"][0]
        assert (first["name"], first["command"]) == ("worker", ["dask"])
        assert {"name": "DASK", "value": "ours"} in first["environment"]
        assert all(isinstance(arn, str) for _, arn in run_task_overrides.roles(spec))
        assert worker_size.threads(spec, None) > 0
        assert worker_size.memory_mib(spec, None) > 0
        assert (run_task_overrides.disk_gib(spec, "worker") or 0) < 2**63


def too_long(worker: dict[str, Any]) -> str:
    settings = dataclasses.replace(SETTINGS, allow_task_definitions=("*",))
    world = World({"worker": {"replicas": 1, **worker}}, settings=settings)
    for _ in range(10):
        world.step()
        world.pass_time(1)
    _, reason, message = condition(world, "Stalled")
    assert reason == "CommandTooLong"
    return message.partition("shorten ")[2]


def test_of_what_is_too_long_the_longest_is_named_first() -> None:
    overrides = {"overrides": {"cpu": "1" * 9000}}
    assert too_long({"runTaskOverrides": overrides}) == "spec.worker.runTaskOverrides (now 9,011)."
    variables = [{"name": f"V{number}", "value": "x" * 1000} for number in range(10)]
    own = {"taskDefinitionArn": DEFINITION, "extraArgs": ["--nanny"], "environment": variables}
    said = too_long(own)
    assert said == "environment of spec and spec.worker (now 10,290) or spec.worker.extraArgs (now 11)."


def limits(request: dict[str, Any]) -> tuple[str, str]:
    command = request["overrides"]["containerOverrides"][0]["command"]
    return command[command.index("--nthreads") + 1], command[command.index("--memory-limit") + 1]


@pytest.mark.parametrize(
    ("worker", "overrides", "threads", "memory"),
    [
        ({}, {"cpu": "8192", "memory": "61440"}, "8", "61440MiB"),
        ({}, {"containerOverrides": [{"name": "worker", "cpu": 2048, "memory": 4096}]}, "2", "4096MiB"),
        ({"threads": 3}, {"cpu": "8192"}, "3", "16384MiB"),
        ({"sidecars": [{"name": "log", "image": "log:1", "memory": "1Gi"}]}, {"memory": "61440"}, "4", "60416MiB"),
        ({}, {"memory": "as much as there is"}, "4", "16384MiB"),
    ],
)
def test_dask_is_told_of_the_size_that_overrides_give(
    worker: dict[str, Any], overrides: dict[str, Any], threads: str, memory: str
) -> None:
    assert limits(ran({"overrides": overrides}, **worker)) == (threads, memory)


@pytest.mark.parametrize(
    ("overrides", "threads", "memory"),
    [
        ({"cpu": "8192", "memory": "16384"}, "8", "16192MiB"),
        ({"containerOverrides": [{"name": "theirs", "memory": 1024}]}, "2", "1024MiB"),
    ],
)
def test_so_it_is_with_a_definition_of_the_users(overrides: dict[str, Any], threads: str, memory: str) -> None:
    settings = dataclasses.replace(SETTINGS, allow_task_definitions=("*",))
    theirs = {"taskDefinitionArn": DEFINITION, "runTaskOverrides": {"overrides": overrides}}
    world = World({"worker": {"replicas": 1, **theirs}}, settings=settings)
    world.settle()
    _, worker = (dict(action.request) for action in asked(world, actions.RunTasks))
    assert limits(worker) == (threads, memory)


def spill(request: dict[str, Any]) -> str | None:
    environment = request["overrides"]["containerOverrides"][0]["environment"]
    return {each["name"]: each["value"] for each in environment}.get(MAX_SPILL)


def test_dask_spills_as_much_as_the_disk_holds_that_overrides_give() -> None:
    overrides = {"overrides": {"ephemeralStorage": {"sizeInGiB": 100}}}
    assert spill(ran(overrides)) == "90GiB"
    assert spill(ran({})) is None, "the definition says it"
    assert spill(ran(overrides, environment=[{"name": MAX_SPILL, "value": "1GiB"}])) is None, "the user says it"
    assert spill(ran(overrides, taskDefinitionArn=DEFINITION)) == "90GiB"
