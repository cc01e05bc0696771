import uuid
from typing import Any

import pytest

from dask_ecs.aws import ecs_clusters, logs, network, operations, task_definitions, tasks
from dask_ecs.aws.errors import AwsError, Kind, NotOursError
from dask_ecs.aws.session import Aws
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.plan.actions import ResolveNetwork

OWN = {"ecs.dask.org/uid": "u-1"}


def name() -> str:
    return f"it-{uuid.uuid4().hex[:8]}"


def definition(family: str) -> dict[str, Any]:
    return {
        "family": family,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": "worker", "image": "busybox", "command": ["sleep", "60"]}],
    }


async def test_an_ecs_cluster_made_twice_is_one(aws: Aws) -> None:
    cluster = name()
    first = await ecs_clusters.ensure(aws, name=cluster, tags=OWN, own_tags=OWN)
    assert await ecs_clusters.ensure(aws, name=cluster, tags=OWN, own_tags=OWN) == first
    assert await ecs_clusters.find(aws, cluster=cluster) == first.arn


async def test_an_ecs_cluster_of_somebody_else_is_neither_used_nor_deleted(aws: Aws) -> None:
    cluster = name()
    await aws.call(operations.CREATE_CLUSTER, clusterName=cluster)
    with pytest.raises(NotOursError, match=cluster):
        await ecs_clusters.ensure(aws, name=cluster, tags=OWN, own_tags=OWN)
    with pytest.raises(NotOursError, match=cluster):
        await ecs_clusters.delete(aws, name=cluster, own_tags=OWN)
    assert await ecs_clusters.find(aws, cluster=cluster)


async def test_a_deleted_ecs_cluster_is_not_found(aws: Aws) -> None:
    cluster = name()
    made = await ecs_clusters.ensure(aws, name=cluster, tags=OWN, own_tags=OWN)
    for _ in range(2):
        await ecs_clusters.delete(aws, name=cluster, own_tags=OWN)
    assert await ecs_clusters.find(aws, cluster=cluster) == ""
    with pytest.raises(AwsError, match=r"check spec\.clusterArn"):
        await ecs_clusters.use(aws, arn=made.arn)


async def test_capacity_providers_are_added_to_those_that_an_ecs_cluster_has(aws: Aws, local_aws: LocalAWS) -> None:
    made = await ecs_clusters.ensure(aws, name=name(), tags=OWN, own_tags=OWN)
    await ecs_clusters.associate(aws, arn=made.arn, providers=["FARGATE"])
    local_aws.reset_calls()
    for _ in range(2):
        await ecs_clusters.associate(aws, arn=made.arn, providers=["FARGATE_SPOT", "FARGATE"])
    (call,) = local_aws.call_log("ecs:PutClusterCapacityProviders")
    assert call["parameters"]["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]


@pytest.mark.parametrize("strategy", [[], [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]])
async def test_a_given_ecs_cluster_whose_default_is_fargate_scales_no_instances(
    aws: Aws, strategy: list[dict[str, Any]]
) -> None:
    made = await aws.call(
        operations.CREATE_CLUSTER,
        clusterName=name(),
        capacityProviders=["FARGATE_SPOT"],
        defaultCapacityProviderStrategy=strategy,
    )
    used = await ecs_clusters.use(aws, arn=made["cluster"]["clusterArn"])
    assert not used.default_capacity_provider_strategy


async def test_parameters_that_are_none_of_an_operations_are_the_users_to_mend(aws: Aws) -> None:
    with pytest.raises(AwsError, match="Unknown parameter") as refused:
        await aws.call(operations.RUN_TASK, taskDefinition="a", overrides={"nonsense": 1})
    assert refused.value.kind is Kind.NEEDS_USER


async def test_an_ecs_cluster_that_an_operator_has_made_is_not_to_be_given(aws: Aws) -> None:
    tags = {"ecs.dask.org/install": "abc", "ecs.dask.org/namespace": "theirs"}
    made = await ecs_clusters.ensure(aws, name=name(), tags=tags, own_tags=tags)
    with pytest.raises(AwsError, match=r"leave spec\.clusterArn out"):
        await ecs_clusters.use(aws, arn=made.arn)


async def test_a_definition_that_is_registered_is_found_not_registered_again(aws: Aws) -> None:
    family = name()
    arn = await task_definitions.ensure(aws, definition(family))
    assert await task_definitions.ensure(aws, definition(family)) == arn
    assert arn.endswith(f"{family}:1")


async def test_a_family_is_deregistered_with_all_its_revisions_and_no_other(aws: Aws) -> None:
    family = name()
    first = await task_definitions.ensure(aws, definition(family))
    second = await aws.call(operations.REGISTER_TASK_DEFINITION, **definition(family))
    mine = {first, second["taskDefinition"]["taskDefinitionArn"]}
    assert len(mine) == 2
    other = await task_definitions.ensure(aws, definition(f"{family}-other"))
    assert await task_definitions.ensure(aws, definition(family)) == second["taskDefinition"]["taskDefinitionArn"]
    for _ in range(2):  # again after a crash
        await task_definitions.deregister(aws, family=family)
    active = [arn async for arn in aws.pages(operations.LIST_TASK_DEFINITIONS, "taskDefinitionArns", status="ACTIVE")]
    assert other in active
    assert not mine & set(active)


async def test_an_only_revision_is_deregistered_without_a_look_at_others_and_one_that_is_gone_is_not_the_only_one(
    aws: Aws, local_aws: LocalAWS
) -> None:
    family = name()
    first = await task_definitions.ensure(aws, definition(family))
    local_aws.reset_calls()
    await task_definitions.deregister(aws, family=family, first=first)
    assert [call["operation"] for call in local_aws.call_log()] == ["ecs:DeregisterTaskDefinition"]
    second = await task_definitions.ensure(aws, definition(family))
    assert second != first
    await task_definitions.deregister(aws, family=family, first=first)
    active = [arn async for arn in aws.pages(operations.LIST_TASK_DEFINITIONS, "taskDefinitionArns", status="ACTIVE")]
    assert second not in active


async def test_a_log_group_that_is_there_keeps_its_retention(aws: Aws) -> None:
    group = name()
    await logs.ensure_group(aws, name=group, retention_days=7, tags={})
    await logs.ensure_group(aws, name=group, retention_days=90, tags={})
    described = await (await aws._sessions.client("logs", aws.region)).describe_log_groups(logGroupNamePrefix=group)
    assert described["logGroups"][0]["retentionInDays"] == 7


async def test_a_log_group_that_can_not_be_given_its_retention_is_not_left_without(
    aws: Aws, local_aws: LocalAWS
) -> None:
    group = name()
    local_aws.fault("logs:PutRetentionPolicy", code="ThrottlingException", message="Rate exceeded", count=3)
    with pytest.raises(AwsError, match="Throttling"):
        await logs.ensure_group(aws, name=group, retention_days=7, tags={})
    local_aws.clear_faults()
    await logs.ensure_group(aws, name=group, retention_days=7, tags={})
    described = await (await aws._sessions.client("logs", aws.region)).describe_log_groups(logGroupNamePrefix=group)
    assert described["logGroups"][0]["retentionInDays"] == 7


async def test_a_log_group_whose_making_was_not_answered_gets_its_retention(aws: Aws, local_aws: LocalAWS) -> None:
    group = name()
    local_aws.fault("logs:CreateLogGroup", code="InternalFailure", count=1, after=True)
    await logs.ensure_group(aws, name=group, retention_days=7, tags={})
    described = await (await aws._sessions.client("logs", aws.region)).describe_log_groups(logGroupNamePrefix=group)
    assert described["logGroups"][0]["retentionInDays"] == 7


async def test_a_log_group_goes_if_it_is_ours_and_stays_if_it_is_not(aws: Aws) -> None:
    client = await aws._sessions.client("logs", aws.region)
    ours, theirs = name(), name()
    await logs.ensure_group(aws, name=ours, retention_days=7, tags=OWN)
    await client.create_log_group(logGroupName=theirs, tags={"team": "theirs"})
    await logs.ensure_group(aws, name=theirs, retention_days=7, tags=OWN)
    for group in (ours, theirs, ours):  # again after a crash
        await logs.delete_group(aws, name=group, account_id="123456789012", tags=OWN)
    left = [group["logGroupName"] for group in (await client.describe_log_groups())["logGroups"]]
    assert theirs in left
    assert ours not in left


async def test_a_stream_that_is_not_there_has_no_last_words(aws: Aws) -> None:
    assert await logs.tail(aws, group="none", stream="none", lines=5) == ()


async def test_the_default_vpcs_public_subnets_are_found(aws: Aws) -> None:
    found = await network.resolve(aws, ResolveNetwork(vpc_id=None, subnets=(), assign_public_ip=None, fargate=True))
    assert found.vpc_cidrs == ("127.77.0.0/16",)
    assert len(found.subnets) >= 2
    assert found.assign_public_ip is True


async def test_without_route_tables_a_subnet_is_public_whose_instances_get_public_addresses(
    aws: Aws, local_aws: LocalAWS
) -> None:
    wanted = ResolveNetwork(vpc_id=None, subnets=(), assign_public_ip=None, fargate=True)
    usual = await network.resolve(aws, wanted)
    client = await aws._sessions.client("ec2", aws.region)
    changed, *others = usual.subnets
    local_aws.fault("ec2:DescribeRouteTables", code="UnauthorizedOperation", message="not authorized", count=1)
    await client.modify_subnet_attribute(SubnetId=changed, MapPublicIpOnLaunch={"Value": False})
    try:
        found = await network.resolve(aws, wanted)
    finally:
        await client.modify_subnet_attribute(SubnetId=changed, MapPublicIpOnLaunch={"Value": True})
    assert (found.subnets, found.assign_public_ip) == (tuple(others), True)


async def test_more_tasks_than_a_page_holds_are_all_listed_and_described(aws: Aws, local_aws: LocalAWS) -> None:
    cluster = await ecs_clusters.ensure(aws, name=name(), tags=OWN, own_tags=OWN)
    where = await network.resolve(aws, ResolveNetwork(vpc_id=None, subnets=(), assign_public_ip=None, fargate=True))
    request = {
        "cluster": cluster.arn,
        "taskDefinition": await task_definitions.ensure(aws, definition(name())),
        "launchType": "FARGATE",
        "count": 10,
        "startedBy": "dask/test/u-1",
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": list(where.subnets), "assignPublicIp": "ENABLED"},
        },
    }
    started = set()
    for _ in range(11):
        running, not_placed = await tasks.run(aws, request)
        assert not_placed is None
        started |= {task.arn for task in running}
    arns = await tasks.list_arns(aws, ecs_cluster=cluster.arn, stopped=True)
    assert set(arns) == started
    described, missing = await tasks.describe(aws, ecs_cluster=cluster.arn, arns=[*arns, f"{arns[0][:-4]}dead"])
    assert {task.arn for task in described} == started
    assert len(missing) == 1
    for arn in arns:
        await tasks.stop(aws, ecs_cluster=cluster.arn, task_arn=arn, why="test is over")


async def test_stopping_a_task_that_is_not_there_is_fine(aws: Aws) -> None:
    cluster = await ecs_clusters.ensure(aws, name=name(), tags=OWN, own_tags=OWN)
    await tasks.stop(aws, ecs_cluster=cluster.arn, task_arn="0" * 32, why="it may be gone")
