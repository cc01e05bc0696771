"""Task definitions that a user brings: used as they are, never changed, and Dask fits what they have."""

import dataclasses
import json
from typing import Any

import pytest

from dask_ecs.plan import actions
from dask_ecs.plan.certificate import sources
from dask_ecs.plan.given_definition import check, read
from dask_ecs.plan.observed import Role
from dask_ecs.plan.problems import NeedsUser
from dask_ecs.plan.worker_preload import worker_preload

from .world import SETTINGS, World, asked, condition

ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/theirs:3"
BARE = "arn:aws:ecs:eu-west-1:123456789012:task-definition/bare:1"
ALLOWED = dataclasses.replace(SETTINGS, allow_task_definitions=("*",))


def described(*containers: dict[str, Any], **task: Any) -> dict[str, Any]:
    given = {"taskDefinitionArn": ARN, "status": "ACTIVE", "networkMode": "awsvpc"}
    return {**given, "containerDefinitions": [*containers], **task}


@pytest.mark.parametrize(
    ("definition", "container", "cpu_units", "memory_mib", "stop_timeout"),
    [
        (described({"name": "a"}, cpu="4096", memory="8192"), "a", 4096, 8192, 30),
        (described({"name": "a", "memory": 512, "cpu": 256, "stopTimeout": 90}, memory="8192"), "a", 256, 512, 90),
        (
            described({"name": "log", "essential": False, "memory": 192}, {"name": "a"}, memory="8192"),
            "a",
            None,
            8000,
            30,
        ),
        (described({"name": "log", "essential": True}, {"name": "worker"}), "worker", None, None, 30),
        (described({"name": "a", "memoryReservation": 300}), "a", None, 300, 30),
    ],
)
def test_dasks_container_is_found_with_what_it_has(
    definition: dict[str, Any], container: str, cpu_units: int | None, memory_mib: int | None, stop_timeout: int
) -> None:
    found = read(definition, role="worker")
    assert (found.arn, found.container, found.stop_timeout) == (ARN, container, stop_timeout)
    assert (found.cpu_units, found.memory_mib) == (cpu_units, memory_mib)


@pytest.mark.parametrize(
    ("definition", "size"),
    [
        (described({"name": "a", "cpu": 256, "memory": 512}, cpu="4096", memory="8192"), (4096, 8192, 0)),
        (described({"name": "a", "cpu": 512, "memory": 900, "memoryReservation": 300}), (512, 300, 0)),
        (described({"name": "a", "cpu": 1024, "memory": 512}, {"name": "b", "memory": 128}), (1024, 640, 0)),
        (
            described({"name": "a", "memory": 1, "resourceRequirements": [{"type": "GPU", "value": "2"}]}),
            (0, 1, 2),
        ),
    ],
)
def test_how_much_its_tasks_take_of_an_instance_is_known(
    definition: dict[str, Any], size: tuple[int, int, int]
) -> None:
    found = read(definition, role="worker").size
    assert found is not None
    assert (found.cpu_units, found.memory_mib, found.gpus) == size


@pytest.mark.parametrize(
    ("configuration", "group", "prefix"),
    [
        ({"logDriver": "awslogs", "options": {"awslogs-group": "theirs", "awslogs-stream-prefix": "p"}}, "theirs", "p"),
        ({"logDriver": "awslogs", "options": {"awslogs-group": "theirs"}}, "theirs", None),
        ({"logDriver": "awslogs", "options": {"awslogs-group": "far", "awslogs-region": "us-east-1"}}, None, None),
        ({"logDriver": "splunk", "options": {"splunk-url": "https://logs.example"}}, None, None),
        (None, None, None),
    ],
)
def test_where_its_output_goes_is_known(
    configuration: dict[str, Any] | None, group: str | None, prefix: str | None
) -> None:
    found = read(described({"name": "a", "logConfiguration": configuration}), role="worker")
    assert (found.log_group, found.log_prefix) == (group, prefix)


def test_variables_are_known_by_name_whether_they_are_secrets_or_not() -> None:
    secret = {"name": "TOKEN", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/token"}
    container = {"name": "a", "environment": [{"name": "LEVEL", "value": "debug"}], "secrets": [secret]}
    assert read(described(container, {"name": "log"}), role="worker").variables == {"LEVEL", "TOKEN"}


@pytest.mark.parametrize(
    ("definition", "reason", "advice"),
    [
        (described({"name": "a"}, status="INACTIVE"), "TaskDefinitionInactive", "Name another revision."),
        (described({"name": "a"}, networkMode="bridge"), "TaskDefinitionUnfit", "networkMode awsvpc"),
    ],
)
@pytest.mark.parametrize("role", ["scheduler", "worker"])
def test_what_can_not_be_used_is_told(role: Role, definition: dict[str, Any], reason: str, advice: str) -> None:
    with pytest.raises(NeedsUser, match=f"spec.{role}.taskDefinitionArn: .*{ARN}") as problem:
        check(definition, role=role)
    assert problem.value.reason == reason
    assert advice in problem.value.message


def test_a_given_definition_is_run_and_never_registered_or_deregistered() -> None:
    environment = [{"name": "LEVEL", "value": "debug"}]
    world = World({"worker": {"replicas": 2, "taskDefinitionArn": ARN, "environment": environment}}, settings=ALLOWED)
    world.settle()
    assert [action.subject for action in asked(world, actions.RegisterTaskDefinition)] == ["schedulerDefinition"]
    assert world.target.cluster.status.task_definitions.worker == ARN
    (run,) = [action.request for action in asked(world, actions.RunTasks) if action.launch.role == "worker"]
    assert run["taskDefinition"] == ARN
    (override,) = run["overrides"]["containerOverrides"]
    assert override["name"] == "theirs"
    assert {"name": "LEVEL", "value": "debug"} in override["environment"]
    command = override["command"]
    assert command[command.index("--nthreads") + 1] == "2"
    assert command[command.index("--memory-limit") + 1] == "6000MiB"
    assert command[command.index("--preload-nanny") + 1] == worker_preload(leave_seconds=40)
    world.delete()
    world.settle()
    assert world.gone
    assert "theirs" not in {action.name for action in asked(world, actions.DeregisterTaskDefinition)}


def test_a_definition_without_the_certificate_runs_nothing_and_what_to_add_is_told() -> None:
    world = World({"worker": {"replicas": 1, "taskDefinitionArn": BARE}}, settings=ALLOWED)
    for _ in range(5):
        world.step()
    assert not asked(world, actions.RunTasks)
    status, reason, message = condition(world, "Stalled")
    assert (status, reason) == ("True", "TaskDefinitionLacksCertificate")
    assert f"spec.worker.taskDefinitionArn: task definition {BARE}" in message
    secrets = json.JSONDecoder().raw_decode(message[message.index("[{") :])[0]
    world.edit(scheduler={}, worker={"replicas": 1})
    world.settle()
    (made,) = [each for each in asked(world, actions.RegisterTaskDefinition) if each.subject == "workerDefinition"]
    assert secrets == made.request["containerDefinitions"][0]["secrets"]


def test_what_a_user_says_of_a_certificate_of_their_own_need_not_be_in_the_definition() -> None:
    files = [{"name": name, "value": f"/etc/dask/{name}"} for name in sources("worker", secret="")]
    worker = {"replicas": 1, "taskDefinitionArn": BARE, "environment": files}
    world = World({"worker": worker}, settings=ALLOWED)
    world.settle()
    (run,) = [action.request for action in asked(world, actions.RunTasks) if action.launch.role == "worker"]
    environment = run["overrides"]["containerOverrides"][0]["environment"]
    assert {"name": "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION", "value": "true"} in environment


def test_without_tls_a_definition_needs_no_certificate() -> None:
    worker = {"replicas": 1, "taskDefinitionArn": BARE}
    world = World({"worker": worker, "tls": {"enabled": False}}, settings=ALLOWED)
    world.settle()
    assert condition(world, "Ready")[0] == "True"


def test_nothing_is_made_that_only_made_definitions_need() -> None:
    given = {"taskDefinitionArn": ARN}
    world = World({"scheduler": given, "worker": {"replicas": 1, **given}}, settings=ALLOWED)
    world.settle()
    assert {action.subject for action in world.done} & {"executionRole", "taskRole", "logGroup"} == set()
    assert not [thing for thing in world.body["status"]["made"] if thing.startswith(("iam-role", "task-definition"))]
    assert condition(world, "RolesReady")[0] == "True"
    assert condition(world, "Ready")[0] == "True"


def test_roles_of_older_specs_go_once_all_runs_what_the_user_brings() -> None:
    world = World({"worker": {"replicas": 0}}, settings=ALLOWED)
    world.settle()
    world.edit(scheduler={"taskDefinitionArn": ARN}, worker={"replicas": 0, "taskDefinitionArn": ARN})
    world.settle()
    (scheduler,) = world.live["scheduler"]
    world.stop(scheduler.arn)
    world.settle()
    world.settle()
    assert len(asked(world, actions.DeleteRole)) == 2
    assert not [thing for thing in world.body["status"]["made"] if thing.startswith(("iam-role", "task-definition"))]
