"""Auto Scaling groups: they launch instances as many as ECS's managed scaling says, and end them when deleted."""

from collections.abc import Mapping
from typing import Any

from dask_ecs.aws import operations, ownership
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.plan.capacity_actions import EnsureAutoScalingGroup, SizeAutoScalingGroup

# ECS developer guide, "Capacity providers": ECS puts it on a group that it scales; that instances get it is asked for
# at the group's making.
_MANAGED_TAG = "AmazonECSManaged"


async def ensure(aws: Aws, wanted: EnsureAutoScalingGroup, *, own_tags: Mapping[str, str], tell: Tell = nobody) -> str:
    """Create the group, without instances, or have it launch as told from now on, and return its ARN.

    Raises:
        NotOursError: there is one of that name that is somebody else's.
        AwsError: somebody is deleting it: it is made again when it is gone.

    """
    launching = _launching(wanted)
    found = await _get(aws, wanted.name)
    if found is not None:
        ownership.check(
            found, own_tags, what=f"Auto Scaling group {wanted.name}", operation=operations.CREATE_AUTO_SCALING_GROUP
        )
        if found.get("Status"):  # it is being deleted (AWS: "AutoScalingGroup")
            raise _later(operations.CREATE_AUTO_SCALING_GROUP, f"Auto Scaling group {wanted.name} is being deleted")
        await aws.call(operations.UPDATE_AUTO_SCALING_GROUP, AutoScalingGroupName=wanted.name, **launching)
        return str(found["AutoScalingGroupARN"])
    # Managed termination protection: ECS alone says which instances may go (ECS developer guide).
    await aws.call(
        operations.CREATE_AUTO_SCALING_GROUP,
        AutoScalingGroupName=wanted.name,
        MinSize=0,
        MaxSize=0,
        NewInstancesProtectedFromScaleIn=True,
        Tags=[_tag(key, value) for key, value in {**wanted.tags, _MANAGED_TAG: ""}.items()],
        **launching,
    )
    tell(f"Auto Scaling group {wanted.name} was gone; it is made again, and so is its capacity provider.")
    made = await _get(aws, wanted.name)
    if made is None:
        raise _later(operations.CREATE_AUTO_SCALING_GROUP, f"Auto Scaling group {wanted.name} is not to be seen yet")
    return str(made["AutoScalingGroupARN"])


async def size(aws: Aws, wanted: SizeAutoScalingGroup) -> None:
    """Say between how many and how many instances the group has."""
    await aws.call(
        operations.UPDATE_AUTO_SCALING_GROUP,
        AutoScalingGroupName=wanted.name,
        MinSize=wanted.minimum,
        MaxSize=wanted.maximum,
    )


async def delete(aws: Aws, *, name: str, own_tags: Mapping[str, str]) -> None:
    """Delete the group of this name with its instances, protected or not, if it is there.

    Raises:
        NotOursError: it does not carry our tags.
        AwsError: it is not gone yet.

    """
    found = await _get(aws, name)
    if found is None:
        return
    ownership.check(found, own_tags, what=f"Auto Scaling group {name}", operation=operations.DELETE_AUTO_SCALING_GROUP)
    if not found.get("Status"):  # else it is being deleted (AWS: "AutoScalingGroup")
        await aws.call(operations.DELETE_AUTO_SCALING_GROUP, AutoScalingGroupName=name, ForceDelete=True)
    if await _get(aws, name) is not None:
        raise _later(operations.DELETE_AUTO_SCALING_GROUP, f"Auto Scaling group {name} ends its instances")


def _launching(wanted: EnsureAutoScalingGroup) -> dict[str, Any]:
    spot = wanted.on_demand_percentage < 100
    distribution = {
        "OnDemandAllocationStrategy": "prioritized",
        "OnDemandBaseCapacity": 0,
        "OnDemandPercentageAboveBaseCapacity": wanted.on_demand_percentage,
        # "Allocation strategies for multiple instance types": what AWS recommends for Spot.
        "SpotAllocationStrategy": "price-capacity-optimized",
    }
    template = {"LaunchTemplateName": wanted.name, "Version": wanted.template_version}
    return {
        "VPCZoneIdentifier": ",".join(wanted.subnets),
        # An instance that is likely to be taken away has its successor beforehand.
        "CapacityRebalance": spot,
        "MixedInstancesPolicy": {
            "LaunchTemplate": {
                "LaunchTemplateSpecification": template,
                "Overrides": [{"InstanceType": name} for name in wanted.instance_types],
            },
            "InstancesDistribution": distribution,
        },
    }


def _tag(key: str, value: str) -> dict[str, Any]:
    # The user's own come to instances by the launch template, whose newest version has what they were edited to.
    return {"Key": key, "Value": value, "PropagateAtLaunch": key == _MANAGED_TAG}


def _later(operation: operations.Operation, message: str) -> AwsError:
    return AwsError(operation=str(operation), code="InProgress", message=message, kind=Kind.RETRY_SOON)


async def _get(aws: Aws, name: str) -> dict[str, Any] | None:
    answer = await aws.call(operations.DESCRIBE_AUTO_SCALING_GROUPS, AutoScalingGroupNames=[name])
    return next(iter(answer["AutoScalingGroups"]), None)
