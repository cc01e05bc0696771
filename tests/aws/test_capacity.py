"""What brings instances, thing by thing: made once, found again, changed, deleted if it is ours."""

import dataclasses
from typing import Any

import boto3
import pytest

from dask_ecs.aws import capacity, ecs_clusters, operations, roles
from dask_ecs.aws.errors import AwsError, Kind, NotOursError
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.plan import instance_roles
from dask_ecs.plan.action import Action
from dask_ecs.plan.actions import EnsureRole
from dask_ecs.plan.capacity_actions import (
    PROVIDER_IN_USE,
    DeleteAutoScalingGroup,
    DeleteCapacityProvider,
    DeleteInstanceProfile,
    DeleteLaunchTemplate,
    DescribeInstanceTypes,
    EnsureAutoScalingGroup,
    EnsureCapacityProvider,
    EnsureInstanceProfile,
    EnsureLaunchTemplate,
    SizeAutoScalingGroup,
)

OWN = {"ecs.dask.org/install": "test"}
AMI = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
TEMPLATE = EnsureLaunchTemplate(name="dask-brought", data={"ImageId": AMI}, tags=OWN)
CHANGING = ("Create", "Update", "Put", "Add", "Delete", "Remove")


async def do(aws: Aws, action: Action[Any]) -> Any:
    return await capacity.act(aws, action, own_tags=OWN)


def changes(local_aws: LocalAWS) -> list[str]:
    """Return what was changed since the calls were last reset."""
    return [call["operation"] for call in local_aws.call_log() if call["operation"].split(":")[1].startswith(CHANGING)]


def group(local_aws: LocalAWS, **fields: Any) -> EnsureAutoScalingGroup:
    ec2 = boto3.client(
        "ec2",
        endpoint_url=local_aws.url,
        region_name="eu-west-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    subnets = tuple(subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2])
    wanted = EnsureAutoScalingGroup(
        name=TEMPLATE.name,
        template_version="1",
        subnets=subnets,
        instance_types=("m6i.large",),
        on_demand_percentage=100,
        tags=OWN,
    )
    return dataclasses.replace(wanted, **fields)


async def test_instance_types_are_as_ec2_describes_them(aws: Aws) -> None:
    plain, with_gpus = sorted(
        await do(aws, DescribeInstanceTypes(names=("g4dn.12xlarge", "m7g.large"))), key=lambda each: each.gpus
    )
    assert (plain.name, plain.vcpus, plain.memory_mib, plain.architectures) == ("m7g.large", 2, 8192, ("ARM64",))
    assert (with_gpus.gpus, with_gpus.architectures) == (4, ("X86_64",))
    assert plain.room_mib < 8192
    with pytest.raises(AwsError, match=r"\[m6i\.huge\]") as raised:
        await do(aws, DescribeInstanceTypes(names=("m6i.huge",)))
    assert raised.value.kind is Kind.NEEDS_USER


async def test_all_is_made_once_and_goes_in_awss_order(aws: Aws, local_aws: LocalAWS) -> None:
    ecs_cluster = (await ecs_clusters.ensure(aws, name="dask-brought", tags=OWN, own_tags=OWN)).arn
    role = EnsureRole(
        subject="capacity",
        name="dask-brought-instance",
        path="/dask-ecs/",
        trust=instance_roles.trust("ec2", region="eu-west-1"),
        inline_policy=instance_roles.agent_policy(account_id="1", region="eu-west-1", ecs_cluster="dask-brought"),
        tags=OWN,
    )
    profile = EnsureInstanceProfile(name="dask-brought", path="/dask-ecs/", role=role.name, tags=OWN)
    await roles.ensure(aws, role, own_tags=OWN)
    profile_arn = await do(aws, profile)
    version = await do(aws, TEMPLATE)
    wanted = group(local_aws)
    arn = await do(aws, wanted)
    provider = EnsureCapacityProvider(name="dask-brought", ecs_cluster=ecs_cluster, group_arn=arn, tags=OWN)
    providers = ("FARGATE", "dask-brought")
    made = await do(aws, provider)
    await ecs_clusters.associate(aws, arn=ecs_cluster, providers=providers)
    await do(aws, SizeAutoScalingGroup(name=wanted.name, minimum=1, maximum=2))

    local_aws.reset_calls()
    answers = [await do(aws, action) for action in (profile, TEMPLATE, wanted, provider)]
    assert answers == [profile_arn, version, arn, made]
    await ecs_clusters.associate(aws, arn=ecs_cluster, providers=providers)
    assert changes(local_aws) == ["autoscaling:UpdateAutoScalingGroup"]

    going = DeleteCapacityProvider(name="dask-brought", tags=OWN, ecs_cluster=ecs_cluster, going=("dask-brought",))
    others = {"ecs.dask.org/install": "others"}
    for deletion in (
        DeleteAutoScalingGroup(name=wanted.name, tags=others),
        dataclasses.replace(going, tags=others),
        DeleteLaunchTemplate(name=TEMPLATE.name, tags=others),
        DeleteInstanceProfile(name=profile.name, tags=others),
    ):
        local_aws.reset_calls()
        with pytest.raises(NotOursError):
            await do(aws, deletion)
        assert changes(local_aws) == []
        if not isinstance(deletion, DeleteCapacityProvider):
            continue
        with pytest.raises(NotOursError):
            await capacity.act(aws, provider, own_tags=others)
    local_aws.reset_calls()
    for _ in range(2):  # what is gone already is fine
        await do(aws, DeleteAutoScalingGroup(name=wanted.name, tags=OWN))
        await do(aws, going)
        await ecs_clusters.delete(aws, name="dask-brought", own_tags=OWN)
        await do(aws, DeleteLaunchTemplate(name=TEMPLATE.name, tags=OWN))
        await do(aws, DeleteInstanceProfile(name=profile.name, tags=OWN))
        await roles.delete(aws, name=role.name, own_tags=OWN)
    (put,) = local_aws.call_log("ecs:PutClusterCapacityProviders")
    assert put["parameters"]["capacityProviders"] == ["FARGATE"]
    refused = {call["outcome"] for call in local_aws.call_log() if call["operation"] != "iam:DeleteRole"}
    gone = {"NoSuchEntity", "InvalidLaunchTemplateName.NotFoundException", "ClusterNotFoundException"}
    assert refused <= {"", *gone}


async def test_a_group_that_somebody_has_deleted_is_made_again_with_its_capacity_provider(
    aws: Aws, local_aws: LocalAWS
) -> None:
    ecs_cluster = (await ecs_clusters.ensure(aws, name="dask-brought", tags=OWN, own_tags=OWN)).arn
    await do(aws, TEMPLATE)
    wanted = group(local_aws)

    async def make(tell: Tell) -> str:
        arn = str(await capacity.act(aws, wanted, own_tags=OWN, tell=tell))
        provider = EnsureCapacityProvider(name=wanted.name, ecs_cluster=ecs_cluster, group_arn=arn, tags=OWN)
        await do(aws, provider)
        await ecs_clusters.associate(aws, arn=ecs_cluster, providers=(wanted.name,))
        return arn

    before, told = await make(nobody), list[str]()
    assert await make(told.append) == before
    assert told == []
    await do(aws, DeleteAutoScalingGroup(name=wanted.name, tags=OWN))
    local_aws.fault("ecs:PutClusterCapacityProviders", code="ResourceInUseException", message="in use", count=1)
    with pytest.raises(AwsError) as raised:
        await make(told.append)
    assert raised.value.reason == PROVIDER_IN_USE
    after = await make(told.append)
    assert after != before
    assert told == ["Auto Scaling group dask-brought was gone; it is made again, and so is its capacity provider."]
    described = await aws.call(operations.DESCRIBE_CAPACITY_PROVIDERS, capacityProviders=[wanted.name])
    (provider,) = described["capacityProviders"]
    assert provider["autoScalingGroupProvider"]["autoScalingGroupArn"] == after
    (ecs,) = (await aws.call(operations.DESCRIBE_CLUSTERS, clusters=[ecs_cluster]))["clusters"]
    assert ecs["capacityProviders"] == [wanted.name]

    await do(aws, DeleteAutoScalingGroup(name=wanted.name, tags=OWN))
    going = DeleteCapacityProvider(name=wanted.name, tags=OWN, ecs_cluster=ecs_cluster, going=(wanted.name,))
    await do(aws, going)
    await ecs_clusters.delete(aws, name="dask-brought", own_tags=OWN)
    await do(aws, DeleteLaunchTemplate(name=TEMPLATE.name, tags=OWN))


async def test_a_provider_that_somebody_took_from_the_cluster_is_put_back_and_told_of(aws: Aws) -> None:
    arn = (await ecs_clusters.ensure(aws, name="dask-brought", tags=OWN, own_tags=OWN)).arn
    both, told = ("FARGATE", "FARGATE_SPOT"), list[str]()
    await ecs_clusters.associate(aws, arn=arn, providers=both)
    await ecs_clusters.associate(aws, arn=arn, providers=both, tell=told.append)
    assert told == []
    await aws.call(
        operations.PUT_CLUSTER_CAPACITY_PROVIDERS,
        cluster=arn,
        capacityProviders=["FARGATE"],
        defaultCapacityProviderStrategy=[],
    )
    await ecs_clusters.associate(aws, arn=arn, providers=both, tell=told.append)
    assert told == [f"ECS cluster {arn} could not run tasks on FARGATE_SPOT any more; it can again."]
    (cluster,) = (await aws.call(operations.DESCRIBE_CLUSTERS, clusters=[arn]))["clusters"]
    assert set(cluster["capacityProviders"]) == set(both)


async def test_an_edit_is_a_new_version_of_the_template_that_the_group_launches(aws: Aws, local_aws: LocalAWS) -> None:
    assert await do(aws, TEMPLATE) == "1"
    await do(aws, group(local_aws))
    edited = dataclasses.replace(TEMPLATE, data={"ImageId": AMI, "KeyName": "support"})
    assert await do(aws, edited) == await do(aws, edited) == "2"
    await do(aws, group(local_aws, template_version="2", on_demand_percentage=20))
    (update,) = local_aws.call_log("autoscaling:UpdateAutoScalingGroup")[-1:]
    said = {key.rpartition(".")[2]: value for key, value in update["parameters"].items()}
    assert (said["Version"], said["OnDemandPercentageAboveBaseCapacity"]) == ("2", "20")
    assert said["CapacityRebalance"] == "true"
    await do(aws, DeleteAutoScalingGroup(name=TEMPLATE.name, tags=OWN))
    await do(aws, DeleteLaunchTemplate(name=TEMPLATE.name, tags=OWN))


async def test_a_group_is_deleted_once_its_instances_are_gone(aws: Aws, local_aws: LocalAWS) -> None:
    await do(aws, TEMPLATE)
    await do(aws, group(local_aws))
    local_aws.fault(
        "autoscaling:DeleteAutoScalingGroup", code="ScalingActivityInProgress", message="in progress", count=1
    )
    with pytest.raises(AwsError) as raised:
        await do(aws, DeleteAutoScalingGroup(name=TEMPLATE.name, tags=OWN))
    assert raised.value.kind is Kind.RETRY_SOON
    await do(aws, DeleteAutoScalingGroup(name=TEMPLATE.name, tags=OWN))
    await do(aws, DeleteLaunchTemplate(name=TEMPLATE.name, tags=OWN))


async def test_managed_instances_are_changed_in_place_and_end_with_their_provider(
    aws: Aws, local_aws: LocalAWS
) -> None:
    cluster = (await ecs_clusters.ensure(aws, name="dask-managed", tags=OWN, own_tags=OWN)).arn
    configuration = {
        "infrastructureRoleArn": "arn:aws:iam::123456789012:role/dask-managing",
        "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/dask",
            "networkConfiguration": {"subnets": ["subnet-1"]},
            "capacityOptionType": "SPOT",
            "instanceRequirements": {"vCpuCount": {"min": 1}, "memoryMiB": {"min": 1024}},
        },
    }
    provider = EnsureCapacityProvider(
        name="dask-managed", ecs_cluster=cluster, managed_instances=configuration, tags=OWN
    )
    local_aws.reset_calls()
    assert await do(aws, provider) == await do(aws, provider)
    assert {call["parameters"]["cluster"] for call in local_aws.call_log("ecs:DescribeCapacityProviders")} == {cluster}
    both = ["FARGATE", "dask-managed"]
    assert await ecs_clusters.associable(aws, arn=cluster, providers=both) == ["FARGATE"]
    await do(
        aws,
        DeleteCapacityProvider(name="dask-managed", tags=OWN, ecs_cluster="dask-managed", going=("dask-managed",)),
    )
    await ecs_clusters.delete(aws, name="dask-managed", own_tags=OWN)
