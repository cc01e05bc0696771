"""What RegisterTaskDefinition accepts and how definitions come to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .account import unique

if TYPE_CHECKING:
    from .account import Account


def refusal(account: Account, **parameters: Any) -> str:
    with pytest.raises(ClientError) as raised:
        account.definition(**parameters)
    assert raised.value.response["Error"]["Code"] == "ClientException"
    return raised.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("cpu", "memory"), [("256", "512"), ("1024", "8192"), ("4096", "30720"), ("16384", "122880"), ("1 vCPU", "2GB")]
)
def test_pairs_that_fargate_sells_are_taken(account: Account, cpu: str, memory: str) -> None:
    arn = account.definition(task={"cpu": cpu, "memory": memory})
    definition = account.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert (definition["cpu"], definition["memory"]) in [(cpu, memory), ("1024", "2048")]
    assert definition["compatibilities"] == ["EC2", "FARGATE"]


@pytest.mark.parametrize(("cpu", "memory"), [("256", "4096"), ("256", "1536"), ("8192", "18432"), ("300", "512")])
def test_pairs_that_fargate_does_not_sell_are_refused(account: Account, cpu: str, memory: str) -> None:
    message = refusal(account, task={"cpu": cpu, "memory": memory})
    assert message.startswith(f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.")


GPU = [{"type": "GPU", "value": "1"}]
AWSLOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "g", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "p"},
}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"resourceRequirements": GPU}, "Tasks using FARGATE launch type do not support GPU resource requirements."),
        ({"stopTimeout": 121}, "at most 120 seconds"),
        ({"linuxParameters": {"sharedMemorySize": 64}}, "sharedMemorySize"),
        ({"ulimits": [{"name": "core", "softLimit": 0, "hardLimit": 0}]}, "nofile"),
        ({"task": {"ephemeralStorage": {"sizeInGiB": 20}}}, "between 21 and 200"),
        ({"task": {"networkMode": "bridge"}}, "Fargate only supports network mode"),
        ({"task": {"volumes": [{"name": "v", "host": {"sourcePath": "/data"}}]}}, "host.sourcePath"),
        ({"logConfiguration": AWSLOGS}, "execution role ARN to support log driver awslogs"),
        ({"healthCheck": {"command": ["CMD", "true"], "interval": 1}}, "interval must be between 5 and 300"),
        ({"dependsOn": [{"containerName": "x", "condition": "START"}]}, "container + 'x' because it does not exist"),
        ({"dependsOn": [{"containerName": "main", "condition": "SUCCESS"}]}, "cannot be an essential container"),
        ({"firelensConfiguration": {"type": "fluentbit"}}, "at least one container has to be configured with"),
        ({"logConfiguration": {"logDriver": "awsfirelens"}}, "has to have a firelensConfiguration"),
        ({"name": "two words"}, "Container.name contains invalid characters."),
        ({"essential": False}, "must be marked as essential"),
        ({"task": {"family": "a.b"}}, "Family contains invalid characters."),
        ({"task": {"family": "f" * 256}}, "Family must be 1 to 255 characters."),
        ({"task": {"containerDefinitions": []}}, "Container list cannot be empty."),
        ({"task": {"containerDefinitions": [{"name": "a", "image": "b"}] * 2}}, "must be unique"),
        ({"fargate": False}, "At least one of 'memory' or 'memoryReservation' must be specified."),
    ],
)
def test_what_can_not_be_run_is_refused(account: Account, parameters: dict[str, Any], message: str) -> None:
    assert message in refusal(account, **parameters)


def test_a_revision_number_is_never_used_again(account: Account) -> None:
    family = unique("family")
    first = account.definition(task={"family": family})
    account.ecs.deregister_task_definition(taskDefinition=first)
    account.ecs.delete_task_definitions(taskDefinitions=[first])
    assert account.definition(task={"family": family}).endswith(f"{family}:2")


def test_a_deregistered_definition_can_be_described_and_is_listed_as_inactive(account: Account) -> None:
    family = unique("family")
    old, new = (account.definition(task={"family": family}) for _ in range(2))
    account.ecs.deregister_task_definition(taskDefinition=new)
    described = account.ecs.describe_task_definition(taskDefinition=new)["taskDefinition"]
    assert described["status"] == "INACTIVE"
    assert "deregisteredAt" in described
    listed = account.ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"]
    inactive = account.ecs.list_task_definitions(familyPrefix=family, status="INACTIVE")["taskDefinitionArns"]
    assert (listed, inactive) == ([old], [new])
    latest = account.ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
    assert latest["taskDefinitionArn"] == old


def test_only_deregistered_definitions_can_be_deleted(account: Account) -> None:
    definition = account.definition()
    answer = account.ecs.delete_task_definitions(taskDefinitions=[definition])
    assert (answer["taskDefinitions"], answer["failures"][0]["arn"]) == ([], definition)
    account.ecs.deregister_task_definition(taskDefinition=definition)
    deleted = account.ecs.delete_task_definitions(taskDefinitions=[definition])["taskDefinitions"]
    assert deleted[0]["status"] == "DELETE_IN_PROGRESS"
    with pytest.raises(ClientError, match="Unable to describe task definition"):
        account.ecs.describe_task_definition(taskDefinition=definition)


def test_tags_are_described_when_asked_for(account: Account) -> None:
    tags = [{"key": "team", "value": "a"}]
    definition = account.definition(task={"tags": tags})
    assert "tags" not in account.ecs.describe_task_definition(taskDefinition=definition)
    assert account.ecs.describe_task_definition(taskDefinition=definition, include=["TAGS"])["tags"] == tags


def test_families_are_listed_by_prefix(account: Account) -> None:
    family = unique("family")
    account.definition(task={"family": f"{family}-a"})
    account.definition(task={"family": f"{family}-b"})
    assert account.ecs.list_task_definition_families(familyPrefix=family)["families"] == [f"{family}-a", f"{family}-b"]
