"""Auto Scaling groups behind capacity providers, and managed instances: they follow the tasks that wait for them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .account import unique
from .test_container_instances import ec2_definition, instances

if TYPE_CHECKING:
    from dask_ecs.local.aws.handle import LocalAWS

    from .account import Account

_AMI = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"


@pytest.fixture(autouse=True)
def _scaling_is_quick(delays: LocalAWS) -> None:
    delays.delays(scale_out=0.1, scale_in=0.5)


def make_group(account: Account, cluster: str, *types: str, on_demand_percentage: int = 100, **parameters: Any) -> str:
    """Make a launch template and a group of instances that join the cluster; return the group's name."""
    name = unique("group")
    user_data = base64.b64encode(f"#!/bin/bash\necho ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config\n".encode()).decode()
    account.ec2.create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"ImageId": f"resolve:ssm:{_AMI}", "UserData": user_data}
    )
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateName": name, "Version": "1"},
            "Overrides": [{"InstanceType": each} for each in types],
        },
        "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": on_demand_percentage},
    }
    account.client("autoscaling").create_auto_scaling_group(
        **{
            "AutoScalingGroupName": name,
            "MinSize": 0,
            "MaxSize": 8,
            "VPCZoneIdentifier": account.public_subnets[0],
            "MixedInstancesPolicy": policy,
            "NewInstancesProtectedFromScaleIn": True,
            **parameters,
        }
    )
    return name


def group_of(account: Account, name: str) -> dict[str, Any]:
    groups = account.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return dict(groups["AutoScalingGroups"][0])


def make_provider(account: Account, group: str) -> str:
    name = unique("provider")
    account.ecs.create_capacity_provider(
        name=name,
        autoScalingGroupProvider={
            "autoScalingGroupArn": group_of(account, group)["AutoScalingGroupARN"],
            "managedScaling": {"status": "ENABLED"},
            "managedTerminationProtection": "ENABLED",
        },
    )
    return name


def associate(account: Account, cluster: str, *providers: str) -> None:
    account.ecs.put_cluster_capacity_providers(
        cluster=cluster, capacityProviders=list(providers), defaultCapacityProviderStrategy=[]
    )


def run(account: Account, cluster: str, definition: str, provider: str, count: int = 1) -> list[str]:
    request: dict[str, Any] = {
        "cluster": cluster,
        "taskDefinition": definition,
        "count": count,
        "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}],
        "networkConfiguration": account.network(assignPublicIp="DISABLED"),
    }
    answer = account.ecs.run_task(**request)
    assert not answer["failures"]
    assert {task["lastStatus"] for task in answer["tasks"]} == {"PROVISIONING"}
    return [task["taskArn"] for task in answer["tasks"]]


def test_a_group_grows_from_zero_for_waiting_tasks_and_shrinks_when_they_are_gone(account: Account) -> None:
    cluster = account.cluster()
    group = make_group(account, cluster, "m6i.large")
    provider = make_provider(account, group)
    associate(account, cluster, provider)
    definition = ec2_definition(account, cpu=2048, memory=4096)
    tasks = run(account, cluster, definition, provider, count=3)
    account.wait(lambda: group_of(account, group)["DesiredCapacity"] == 2)
    for task in tasks:
        assert account.until(cluster, task, "RUNNING")["capacityProviderName"] == provider
    assert group_of(account, group)["DesiredCapacity"] == 3
    joined = instances(account, cluster)
    assert [each["capacityProviderName"] for each in joined] == [provider] * 3
    assert all(each["ProtectedFromScaleIn"] for each in group_of(account, group)["Instances"])
    with pytest.raises(account.ecs.exceptions.ResourceInUseException):
        associate(account, cluster)
    for task in tasks[1:]:
        account.ecs.stop_task(cluster=cluster, task=task)
    account.wait(lambda: len(instances(account, cluster)) == 1)
    assert account.describe(cluster, tasks[0])["lastStatus"] == "RUNNING"
    account.ecs.stop_task(cluster=cluster, task=tasks[0])
    account.wait(lambda: account.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"] == [])
    assert group_of(account, group)["DesiredCapacity"] == 0


def test_a_group_grows_no_further_than_its_maximum_and_the_rest_waits_until_it_is_stopped(account: Account) -> None:
    cluster = account.cluster()
    group = make_group(account, cluster, "m6i.large", MaxSize=0)
    account.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=group, MaxSize=1)
    assert group_of(account, group)["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"]
    provider = make_provider(account, group)
    associate(account, cluster, provider)
    definition = ec2_definition(account, cpu=2048, memory=4096)
    (first,) = run(account, cluster, definition, provider)
    account.until(cluster, first, "RUNNING")
    (second,) = run(account, cluster, definition, provider)
    account.ecs.stop_task(cluster=cluster, task=second)
    stopped = account.until(cluster, second, "STOPPED")
    assert "containerInstanceArn" not in stopped
    assert group_of(account, group)["DesiredCapacity"] == 1


def test_a_group_does_not_grow_for_a_task_that_its_smallest_type_does_not_hold(
    account: Account, delays: LocalAWS
) -> None:
    cluster = account.cluster()
    group = make_group(account, cluster, "m6i.4xlarge", "m6i.large")
    provider = make_provider(account, group)
    associate(account, cluster, provider)
    run(account, cluster, ec2_definition(account, cpu=4096, memory=4096), provider)
    (small,) = run(account, cluster, ec2_definition(account), provider)
    account.wait(lambda: len(account.ecs.list_tasks(cluster=cluster)["taskArns"]) == 2)
    assert group_of(account, group)["DesiredCapacity"] == 0
    assert account.describe(cluster, small)["lastStatus"] == "PROVISIONING"


def test_the_spot_share_of_a_group_rounds_in_favour_of_on_demand(account: Account) -> None:
    cluster = account.cluster()
    group = make_group(account, cluster, "m6i.large", on_demand_percentage=50, MinSize=3)
    names = [each["InstanceId"] for each in group_of(account, group)["Instances"]]
    described = account.ec2.describe_instances(InstanceIds=names)["Reservations"]
    kinds = [each.get("InstanceLifecycle") for reservation in described for each in reservation["Instances"]]
    assert sorted(kinds, key=str) == [None, None, "spot"]
    parameter = account.client("ssm").get_parameter(Name=_AMI)["Parameter"]["Value"]
    assert {each["ImageId"] for reservation in described for each in reservation["Instances"]} == {parameter}
    account.wait(lambda: len(account.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]) == 3)
    # They were there before the capacity provider, so they are not its.
    associate(account, cluster, make_provider(account, group))
    assert not any("capacityProviderName" in each for each in instances(account, cluster))


def test_things_go_in_the_order_that_aws_demands(account: Account) -> None:
    cluster = account.cluster()
    group = make_group(account, cluster, "m6i.large")
    provider = make_provider(account, group)
    associate(account, cluster, provider)
    (task,) = run(account, cluster, ec2_definition(account), provider)
    account.until(cluster, task, "RUNNING")
    scaling = account.client("autoscaling")
    with pytest.raises(ClientError, match="ResourceInUse"):
        scaling.delete_auto_scaling_group(AutoScalingGroupName=group)
    with pytest.raises(ClientError, match="associated with a cluster"):
        account.ecs.delete_capacity_provider(capacityProvider=provider)
    account.ecs.stop_task(cluster=cluster, task=task)
    account.until(cluster, task, "STOPPED")
    with pytest.raises(account.ecs.exceptions.ClusterContainsContainerInstancesException):
        account.ecs.delete_cluster(cluster=cluster)
    scaling.delete_auto_scaling_group(AutoScalingGroupName=group, ForceDelete=True)
    associate(account, cluster)
    account.ecs.delete_capacity_provider(capacityProvider=provider)
    account.ecs.delete_cluster(cluster=cluster)
    assert account.ecs.describe_capacity_providers(capacityProviders=[provider])["failures"]


def test_what_aws_refuses_of_groups_and_providers(account: Account) -> None:
    cluster = account.cluster()
    group = make_group(account, cluster, "m6i.large", NewInstancesProtectedFromScaleIn=False)
    with pytest.raises(ClientError, match="AlreadyExists"):
        account.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=group, MinSize=0, MaxSize=1, AvailabilityZones=["eu-west-1a"]
        )
    with pytest.raises(ClientError, match="must have instance protection from scale in enabled"):
        make_provider(account, group)
    with pytest.raises(ClientError, match="Auto Scaling group ARN is invalid"):
        account.ecs.create_capacity_provider(
            name=unique("provider"), autoScalingGroupProvider={"autoScalingGroupArn": "arn:aws:autoscaling:nowhere"}
        )


def test_managed_instances_come_for_tasks_of_their_cluster_and_go_with_them(account: Account) -> None:
    cluster, name = account.cluster(), unique("managed")
    account.ecs.create_capacity_provider(
        name=name,
        cluster=cluster,
        managedInstancesProvider={
            "infrastructureRoleArn": "arn:aws:iam::123456789012:role/infrastructure",
            "instanceLaunchTemplate": {
                "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/instance",
                "networkConfiguration": {"subnets": account.public_subnets[:1]},
                "instanceRequirements": {
                    "vCpuCount": {"min": 1},
                    "memoryMiB": {"min": 1024},
                    "acceleratorTypes": ["gpu"],
                    "acceleratorCount": {"min": 1},
                },
            },
        },
    )
    for asked, there in ((cluster, [name]), (account.cluster(), [])):
        found = account.ecs.describe_capacity_providers(capacityProviders=[name], cluster=asked)
        assert [provider["name"] for provider in found["capacityProviders"]] == there
    with pytest.raises(ClientError, match="Cannot associate Managed Instances capacity provider"):
        account.ecs.put_cluster_capacity_providers(
            cluster=cluster, capacityProviders=[name], defaultCapacityProviderStrategy=[]
        )
    definition = ec2_definition(account, gpus=1, task={"requiresCompatibilities": ["MANAGED_INSTANCES"]})
    (task,) = run(account, cluster, definition, name)
    running = account.until(cluster, task, "RUNNING")
    assert running["launchType"] == "MANAGED_INSTANCES"
    (instance,) = instances(account, cluster)
    attributes = {each["name"]: each.get("value") for each in instance["attributes"]}
    assert attributes["ecs.instance-type"] == "g4dn.xlarge"
    account.ecs.stop_task(cluster=cluster, task=task)
    account.wait(lambda: account.ecs.list_container_instances(cluster=cluster)["containerInstanceArns"] == [])
    account.ecs.delete_capacity_provider(capacityProvider=name, cluster=cluster)
    account.ecs.delete_cluster(cluster=cluster)
