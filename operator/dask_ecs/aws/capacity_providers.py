"""ECS capacity providers: over an Auto Scaling group that ECS scales, or of instances that ECS brings by itself."""

from collections.abc import Mapping
from typing import Any

from dask_ecs.aws import ecs_clusters, operations, ownership
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.aws.tags import ecs_tags
from dask_ecs.plan.capacity_actions import PROVIDER_IN_USE, DeleteCapacityProvider, EnsureCapacityProvider

# What ECS makes of a group: it is as large as its tasks need, and no instance with tasks ends but by us or by AWS.
_SCALING = {
    "managedScaling": {"status": "ENABLED", "targetCapacity": 100},
    "managedTerminationProtection": "ENABLED",
    "managedDraining": "ENABLED",
}


async def ensure(aws: Aws, wanted: EnsureCapacityProvider, *, own_tags: Mapping[str, str], tell: Tell = nobody) -> str:
    """Create the capacity provider, or find it, and return its ARN.

    Raises:
        NotOursError: there is one of that name that is somebody else's.
        AwsError: one over a group that is no more has to go first, and is still there.

    """
    managed = wanted.managed_instances is not None
    found = await _get(aws, wanted.name, ecs_cluster=wanted.ecs_cluster if managed else None)
    if found is not None and _is_over_another(found, wanted) and ownership.is_ours(found, own_tags):
        # A provider's group can not be changed (AWS: "AutoScalingGroupProviderUpdate").
        await _make_way(aws, wanted, own_tags)
        found = None
    if found is None:
        kind: dict[str, Any] = {"autoScalingGroupProvider": {"autoScalingGroupArn": wanted.group_arn, **_SCALING}}
        if managed:
            kind = {"cluster": wanted.ecs_cluster, "managedInstancesProvider": wanted.managed_instances}
        tell(f"Capacity provider {wanted.name} was gone; it is made again.")
        made = await aws.call(operations.CREATE_CAPACITY_PROVIDER, name=wanted.name, tags=ecs_tags(wanted.tags), **kind)
        return str(made["capacityProvider"]["capacityProviderArn"])
    ownership.check(
        found, own_tags, what=f"Capacity provider {wanted.name}", operation=operations.CREATE_CAPACITY_PROVIDER
    )
    if wanted.managed_instances is not None:
        template = dict(wanted.managed_instances["instanceLaunchTemplate"])
        template.pop("capacityOptionType")  # it can not be changed (AWS: "InstanceLaunchTemplateUpdate")
        await aws.call(
            operations.UPDATE_CAPACITY_PROVIDER,
            name=wanted.name,
            cluster=wanted.ecs_cluster,
            managedInstancesProvider={**wanted.managed_instances, "instanceLaunchTemplate": template},
        )
    return str(found["capacityProviderArn"])


async def _make_way(aws: Aws, wanted: EnsureCapacityProvider, own_tags: Mapping[str, str]) -> None:
    """Delete the capacity provider of this name, in whose place another one comes."""
    going = DeleteCapacityProvider(
        name=wanted.name, ecs_cluster=wanted.ecs_cluster, going=(wanted.name,), tags=own_tags
    )
    try:
        await delete(aws, going)
    except AwsError as error:
        if error.code != "ResourceInUseException":
            raise
        raise AwsError(
            operation=error.operation,
            code=PROVIDER_IN_USE,
            message=f"Tasks are on capacity provider {wanted.name}, whose Auto Scaling group is no more",
            kind=Kind.RETRY_SOON,
        ) from error


def _is_over_another(found: Mapping[str, Any], wanted: EnsureCapacityProvider) -> bool:
    """Whether it scales another group than that of this name as it is now: one that somebody has deleted."""
    scales = found.get("autoScalingGroupProvider", {}).get("autoScalingGroupArn")
    return wanted.group_arn is not None and scales != wanted.group_arn


async def delete(aws: Aws, wanted: DeleteCapacityProvider) -> None:
    """Delete the capacity provider, if it is there, after taking all that go from their ECS cluster.

    Raises:
        NotOursError: it does not carry our tags.
        AwsError: its instances are not gone yet, or ECS is still changing the cluster.

    """
    found = await _get(aws, wanted.name) or await _get(aws, wanted.name, ecs_cluster=wanted.ecs_cluster)
    if found is None:
        return
    ownership.check(
        found, wanted.tags, what=f"Capacity provider {wanted.name}", operation=operations.DELETE_CAPACITY_PROVIDER
    )
    scope = wanted.ecs_cluster if "managedInstancesProvider" in found else None
    if scope is None:
        await ecs_clusters.dissociate(aws, arn=wanted.ecs_cluster, going=wanted.going)
    if found["status"] != "DEPROVISIONING":
        await aws.call(operations.DELETE_CAPACITY_PROVIDER, capacityProvider=wanted.name, **_scope(scope))
    if await _get(aws, wanted.name, ecs_cluster=scope) is not None:
        raise AwsError(
            operation=str(operations.DELETE_CAPACITY_PROVIDER),
            code="InProgress",
            message=f"Capacity provider {wanted.name} ends its instances",
            kind=Kind.RETRY_SOON,
        )


async def _get(aws: Aws, name: str, *, ecs_cluster: str | None = None) -> dict[str, Any] | None:
    """Return the provider; those of managed instances belong to an ECS cluster (AWS: "DescribeCapacityProviders")."""
    try:
        answer = await aws.call(
            operations.DESCRIBE_CAPACITY_PROVIDERS, capacityProviders=[name], include=["TAGS"], **_scope(ecs_cluster)
        )
    except AwsError as error:
        if error.code != "ClusterNotFoundException":
            raise
        return None
    return next((found for found in answer["capacityProviders"] if found["status"] != "INACTIVE"), None)


def _scope(ecs_cluster: str | None) -> dict[str, str]:
    return {"cluster": ecs_cluster} if ecs_cluster else {}
