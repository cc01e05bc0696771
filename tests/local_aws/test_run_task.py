"""What RunTask accepts, refuses, and answers twice in the same way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .account import TRUST, unique

if TYPE_CHECKING:
    from dask_ecs.local.aws.handle import LocalAWS

    from .account import Account


def refusal(account: Account, **request: Any) -> tuple[str, str]:
    """Return the error's code and message."""
    with pytest.raises(ClientError) as raised:
        account.ecs.run_task(**request)
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


def test_the_same_client_token_answers_with_the_same_tasks(account: Account) -> None:
    cluster = account.cluster()
    request = account.request(cluster, account.definition("exit 0"), clientToken="once", count=2)
    first = [task["taskArn"] for task in account.ecs.run_task(**request)["tasks"]]
    account.until(cluster, first[0], "STOPPED")
    again = account.ecs.run_task(**request)["tasks"]
    assert [task["taskArn"] for task in again] == first
    assert again[0]["lastStatus"] == "STOPPED"
    assert len(account.ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]) == 2


def test_a_client_token_with_other_parameters_is_a_conflict(account: Account) -> None:
    cluster = account.cluster()
    request = account.request(cluster, account.definition(), clientToken="once")
    arn = account.ecs.run_task(**request)["tasks"][0]["taskArn"]
    with pytest.raises(account.ecs.exceptions.ConflictException) as raised:
        account.ecs.run_task(**{**request, "count": 2})
    assert raised.value.response["resourceIds"] == [arn]  # type: ignore[typeddict-item]


def test_a_client_token_is_scoped_to_its_ecs_cluster(account: Account) -> None:
    definition = account.definition("exit 0")
    first, second = (account.run(account.cluster(), definition, clientToken="shared") for _ in range(2))
    assert first != second


def test_the_same_client_token_at_the_same_moment_runs_once(account: Account) -> None:
    cluster = account.cluster()
    request = account.request(cluster, account.definition("exit 0"), clientToken="race")
    ecs = account.client("ecs", max_pool_connections=8)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ecs.run_task(**request), range(8)))
    assert len({answer["tasks"][0]["taskArn"] for answer in answers}) == 1


def test_a_client_token_whose_call_was_refused_can_be_used_again(account: Account) -> None:
    cluster = account.cluster()
    request = account.request(cluster, account.definition("exit 0"), clientToken="second-try")
    account.aws.set_capacity(fargate=0)
    try:
        assert account.ecs.run_task(**request)["failures"]
    finally:
        account.aws.set_capacity(fargate=None)
    assert account.ecs.run_task(**request)["tasks"]


@pytest.mark.parametrize("count", [0, 11])
def test_only_one_to_ten_tasks_are_run_at_once(account: Account, count: int) -> None:
    request = account.request(account.cluster(), account.definition(), count=count)
    assert refusal(account, **request)[0] == "InvalidParameterException"


def test_a_cluster_that_is_not_there_is_not_found(account: Account) -> None:
    request = account.request(unique("no-cluster"), account.definition())
    assert refusal(account, **request) == ("ClusterNotFoundException", "Cluster not found.")


def test_nothing_runs_on_a_deleted_cluster(account: Account) -> None:
    cluster = account.cluster()
    account.ecs.delete_cluster(cluster=cluster)
    request = account.request(cluster, account.definition())
    assert refusal(account, **request) == ("ClusterNotFoundException", "The referenced cluster was inactive.")


def test_nothing_runs_from_a_deregistered_definition(account: Account) -> None:
    definition = account.definition()
    account.ecs.deregister_task_definition(taskDefinition=definition)
    request = account.request(account.cluster(), definition)
    assert refusal(account, **request) == ("ClientException", "TaskDefinition is inactive")


def test_a_definition_that_is_not_there_is_not_found(account: Account) -> None:
    request = account.request(account.cluster(), "no-such-family")
    assert refusal(account, **request) == ("ClientException", "TaskDefinition not found.")


def test_awsvpc_needs_a_network_configuration(account: Account) -> None:
    request = account.request(account.cluster(), account.definition())
    del request["networkConfiguration"]
    message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
    assert refusal(account, **request) == ("InvalidParameterException", message)


def test_a_public_address_is_refused_on_ec2(account: Account) -> None:
    request = account.request(account.cluster(), account.definition(fargate=False, memory=128), launchType="EC2")
    message = "Assign public IP is not supported for this launch type."
    assert refusal(account, **request) == ("InvalidParameterException", message)


def test_a_definition_for_ec2_does_not_run_on_fargate(account: Account) -> None:
    request = account.request(account.cluster(), account.definition(fargate=False, memory=128))
    message = "Task definition does not support launch_type FARGATE."
    assert refusal(account, **request) == ("InvalidParameterException", message)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"subnets": ["subnet-0123456789abcdef0"]}, "The subnet ID 'subnet-0123456789abcdef0' does not exist"),
        ({"securityGroups": ["sg-0123456789abcdef0"]}, "The security group 'sg-0123456789abcdef0' does not exist"),
    ],
)
def test_a_network_that_is_not_there_is_refused(account: Account, network: dict[str, Any], message: str) -> None:
    request = account.request(account.cluster(), account.definition())
    code, text = refusal(account, **{**request, "networkConfiguration": account.network(**network)})
    assert code == "InvalidParameterException"
    assert message in text


def test_a_security_group_of_another_vpc_is_refused(account: Account) -> None:
    vpc = account.ec2.create_vpc(CidrBlock="127.78.0.0/16")["Vpc"]["VpcId"]
    group = account.ec2.create_security_group(GroupName=unique("group"), Description="other", VpcId=vpc)["GroupId"]
    request = account.request(account.cluster(), account.definition())
    _, text = refusal(account, **{**request, "networkConfiguration": account.network(securityGroups=[group])})
    assert text == f"Security group {group} does not appear to belong to the same VPC as the input subnets."


def test_exhausted_capacity_is_a_failure_of_each_task(account: Account) -> None:
    cluster = account.cluster()
    account.aws.set_capacity(fargate=2)
    try:
        answer = account.ecs.run_task(**account.request(cluster, account.definition("exit 0"), count=5))
    finally:
        account.aws.set_capacity(fargate=None)
    assert len(answer["tasks"]) == 2
    assert [failure["reason"] for failure in answer["failures"]] == [
        "Capacity is unavailable at this time. Please try again later or in a different availability zone"
    ] * 3


def test_a_role_can_be_assumed_only_some_seconds_after_it_was_made(account: Account, delays: LocalAWS) -> None:
    delays.delays(role_assumable=1.0)
    role = account.role()
    request = account.request(account.cluster(), account.definition("exit 0", task={"executionRoleArn": role}))
    code, text = refusal(account, **request)
    assert code == "ClientException"
    assert text.startswith(f"ECS was unable to assume the role '{role}' that was provided for this task.")

    def accepted() -> bool:
        try:
            return bool(account.ecs.run_task(**request)["tasks"])
        except ClientError:
            return False

    account.wait(accepted)


@pytest.mark.parametrize("override", [False, True])
def test_a_role_that_does_not_trust_ecs_is_refused(account: Account, delays: LocalAWS, override: bool) -> None:
    delays.delays(role_assumable=0.0)
    role = account.role(
        {**TRUST, "Statement": [{**TRUST["Statement"][0], "Principal": {"Service": "ec2.amazonaws.com"}}]}  # type: ignore[dict-item]
    )
    definition = account.definition(task={} if override else {"taskRoleArn": role})
    overrides = {"overrides": {"taskRoleArn": role}} if override else {}
    assert role in refusal(account, **account.request(account.cluster(), definition, **overrides))[1]


def test_a_role_that_is_not_there_is_refused(account: Account) -> None:
    role = "arn:aws:iam::123456789012:role/nobody"
    definition = account.definition(task={"executionRoleArn": role})
    assert role in refusal(account, **account.request(account.cluster(), definition))[1]


def test_overrides_reach_the_container_and_are_echoed(account: Account, assumable_role: str) -> None:
    cluster = account.cluster()
    container = {"name": "main", "command": ["sh", "-c", "exit $CODE"], "environment": [{"name": "CODE", "value": "9"}]}
    overrides = {"containerOverrides": [container], "cpu": "512", "memory": "1024", "taskRoleArn": assumable_role}
    environment = [{"name": "CODE", "value": "1"}]
    arn = account.run(cluster, account.definition("exit 1", environment=environment), overrides=overrides)
    task = account.until(cluster, arn, "STOPPED")
    assert task["containers"][0]["exitCode"] == 9
    assert (task["cpu"], task["memory"]) == ("512", "1024")
    assert task["overrides"]["containerOverrides"] == [container]
    assert task["overrides"]["taskRoleArn"] == assumable_role


def test_an_override_for_an_unknown_container_is_refused(account: Account) -> None:
    overrides = {"containerOverrides": [{"name": "other", "command": ["true"]}]}
    request = account.request(account.cluster(), account.definition(), overrides=overrides)
    message = "Override for container named other is not a container in the TaskDefinition."
    assert refusal(account, **request) == ("InvalidParameterException", message)


def test_overrides_have_room_for_8192_characters(account: Account) -> None:
    overrides = {"containerOverrides": [{"name": "main", "command": ["x" * 8192]}]}
    request = account.request(account.cluster(), account.definition(), overrides=overrides)
    assert refusal(account, **request) == (
        "InvalidParameterException",
        "Container Overrides length must be at most 8192",
    )


def test_a_strategy_spreads_tasks_by_base_and_weight(account: Account) -> None:
    cluster = account.cluster(capacityProviders=["FARGATE", "FARGATE_SPOT"])
    request = account.request(cluster, account.definition("exit 0"), count=10)
    del request["launchType"]
    request["capacityProviderStrategy"] = [
        {"capacityProvider": "FARGATE", "base": 2, "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "weight": 3},
    ]
    providers = [task["capacityProviderName"] for task in account.ecs.run_task(**request)["tasks"]]
    assert (providers.count("FARGATE"), providers.count("FARGATE_SPOT")) == (4, 6)


def test_launch_type_and_strategy_exclude_each_other(account: Account) -> None:
    cluster = account.cluster(capacityProviders=["FARGATE"])
    strategy = [{"capacityProvider": "FARGATE"}]
    request = account.request(cluster, account.definition(), capacityProviderStrategy=strategy)
    assert "Specifying both a launch type and capacity provider strategy" in refusal(account, **request)[1]


def test_tags_come_from_the_request_the_definition_and_ecs(account: Account) -> None:
    cluster = account.cluster()
    definition = account.definition(task={"tags": [{"key": "team", "value": "a"}, {"key": "cost", "value": "1"}]})
    arn = account.run(
        cluster,
        definition,
        tags=[{"key": "cost", "value": "2"}],
        propagateTags="TASK_DEFINITION",
        enableECSManagedTags=True,
    )
    assert "tags" not in account.describe(cluster, arn)
    tags = {tag["key"]: tag["value"] for tag in account.describe(cluster, arn, include=["TAGS"])["tags"]}
    assert tags == {"team": "a", "cost": "2", "aws:ecs:clusterName": cluster}


def test_a_stopped_task_has_lost_its_tags_but_not_started_by(account: Account) -> None:
    cluster = account.cluster()
    arn = account.run(cluster, account.definition(), tags=[{"key": "team", "value": "a"}], startedBy="me")
    account.ecs.stop_task(cluster=cluster, task=arn)
    task = account.until(cluster, arn, "STOPPED")
    assert account.describe(cluster, arn, include=["TAGS"])["tags"] == []
    assert task["startedBy"] == "me"


def test_many_callers_at_once_are_all_answered(account: Account) -> None:
    cluster = account.cluster()
    definition = account.definition("exit 0")
    ecs = account.client("ecs", max_pool_connections=16)

    def run_and_describe(_: int) -> str:
        arn = ecs.run_task(**account.request(cluster, definition))["tasks"][0]["taskArn"]
        return str(ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]["taskArn"])

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(run_and_describe, range(48)))) == 48
