"""On which container instance a task is placed, by constraints and strategies; on which capacity provider it runs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .test_container_instances import ec2_definition, instances, launch, on_ec2

if TYPE_CHECKING:
    from .account import Account


@pytest.fixture(scope="module")
def cluster(account: Account) -> str:
    """An ECS cluster of two large machines, one with ARM64's, and one of four times their size."""
    name = account.cluster()
    launch(account, name, "m6i.large", 2)
    launch(account, name, "m7g.large")
    launch(account, name, "m6i.2xlarge")
    return name


def types_of(account: Account, cluster: str, answer: dict[str, Any]) -> Counter[str]:
    types = {
        each["containerInstanceArn"]: next(
            attribute["value"] for attribute in each["attributes"] if attribute["name"] == "ecs.instance-type"
        )
        for each in instances(account, cluster)
    }
    return Counter(types[task["containerInstanceArn"]] for task in answer["tasks"])


@pytest.mark.parametrize(
    "expression",
    [
        "attribute:ecs.instance-type == m6i.2xlarge",
        "attribute:ecs.instance-type =~ m6i.2.* and attribute:ecs.os-type == linux",
        "attribute:ecs.instance-type in [m6i.2xlarge, c6i.large]",
        "not(attribute:ecs.instance-type =~ .*large && registeredCpu < 4096) && attribute:ecs.os-type exists",
        "(attribute:gpus !exists and registeredMemory >= 16384) or agentConnected == false",
    ],
)
def test_an_expression_names_the_instances(account: Account, cluster: str, expression: str) -> None:
    constraint = {"type": "memberOf", "expression": expression}
    answer = on_ec2(account, cluster, ec2_definition(account, shell="exit 0"), placementConstraints=[constraint])
    assert types_of(account, cluster, answer) == {"m6i.2xlarge": 1}


def test_an_expression_that_names_none_is_each_instances_failure(account: Account, cluster: str) -> None:
    constraint = {"type": "memberOf", "expression": "attribute:ecs.instance-type =~ g5.*"}
    answer = on_ec2(account, cluster, ec2_definition(account), placementConstraints=[constraint])
    reasons = [failure["reason"] for failure in answer["failures"]]
    assert sorted(reasons) == ["ATTRIBUTE", *["MemberOf placement constraint unsatisfied."] * 3]


def test_distinct_instances_have_one_task_of_a_group_each(account: Account, cluster: str) -> None:
    constraint = {"type": "distinctInstance"}
    answer = on_ec2(account, cluster, ec2_definition(account), placementConstraints=[constraint], count=4)
    assert types_of(account, cluster, answer) == {"m6i.large": 2, "m6i.2xlarge": 1}
    assert "DistinctInstance placement constraint unsatisfied." in {each["reason"] for each in answer["failures"]}


@pytest.mark.parametrize(
    ("strategy", "types"),
    [
        ({"type": "spread", "field": "attribute:ecs.instance-type"}, {"m6i.large": 2, "m6i.2xlarge": 2}),
        ({"type": "spread", "field": "instanceId"}, {"m6i.large": 3, "m6i.2xlarge": 1}),
        ({"type": "binpack", "field": "cpu"}, {"m6i.large": 4}),
    ],
)
def test_a_strategy_chooses_among_the_instances_with_room(
    account: Account, cluster: str, strategy: dict[str, Any], types: dict[str, int]
) -> None:
    definition = ec2_definition(account, shell="exit 0")
    answer = on_ec2(account, cluster, definition, placementStrategy=[strategy], count=4)
    assert types_of(account, cluster, answer) == types


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"placementConstraints": [{"type": "memberOf", "expression": "attribute:a ="}]}, "Unable to parse"),
        ({"placementConstraints": [{"type": "memberOf"}]}, "An expression belongs to"),
        ({"placementStrategy": [{"type": "binpack", "field": "gpu"}]}, "must be cpu or memory"),
        ({"propagateTags": "SERVICE"}, "propagateTags"),
        ({"enableExecuteCommand": True}, "task role"),
        ({"platformVersion": "1.4.0"}, "must be null when specifying an EC2 launch type"),
    ],
)
def test_what_ecs_does_not_take_is_refused(
    account: Account, cluster: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message) as refused:
        on_ec2(account, cluster, ec2_definition(account), **parameters)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ([{"capacityProvider": "FARGATE_SPOT"}], "not associated with the cluster"),
        ([{"capacityProvider": "FARGATE", "base": 1}, {"capacityProvider": "FARGATE_SPOT", "base": 1}], "not assoc"),
        ([{"capacityProvider": "FARGATE"}] * 21, "more than 20"),
    ],
)
def test_a_strategy_that_ecs_does_not_take_is_refused(
    account: Account, strategy: list[dict[str, Any]], message: str
) -> None:
    cluster = account.cluster(capacityProviders=["FARGATE"])
    request = account.request(cluster, account.definition(), capacityProviderStrategy=strategy)
    del request["launchType"]
    with pytest.raises(ClientError, match=message):
        account.ecs.run_task(**request)


def test_only_one_provider_has_a_base(account: Account) -> None:
    cluster = account.cluster(capacityProviders=["FARGATE", "FARGATE_SPOT"])
    strategy = [{"capacityProvider": provider, "base": 1, "weight": 1} for provider in ("FARGATE", "FARGATE_SPOT")]
    request = account.request(cluster, account.definition(), capacityProviderStrategy=strategy)
    del request["launchType"]
    with pytest.raises(ClientError, match="Only one capacity provider"):
        account.ecs.run_task(**request)


@pytest.mark.parametrize(
    ("platform", "message"), [("1.3.0", "does not support the specified platform"), ("2.0.0", "does not exist")]
)
def test_arm_runs_on_the_platform_versions_that_have_it(account: Account, platform: str, message: str) -> None:
    arm = {"runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}}
    cluster, definition = account.cluster(), account.definition("exit 0", task=arm)
    with pytest.raises(ClientError, match=message):
        account.run(cluster, definition, platformVersion=platform)
    assert account.run(cluster, definition, platformVersion="1.4.0")
