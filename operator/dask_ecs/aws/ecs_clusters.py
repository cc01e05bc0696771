"""ECS clusters: one made, one used, one deleted."""

from collections.abc import Mapping, Sequence
from typing import Any

from dask_ecs.api.launch_rules import FARGATE_PROVIDERS
from dask_ecs.aws import operations, ownership
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.aws.tags import INSTALL_TAG, ecs_tags, from_ecs
from dask_ecs.plan.observed import EcsCluster


async def use(aws: Aws, *, arn: str) -> EcsCluster:
    """Return the ECS cluster that a user gave.

    Raises:
        AwsError: it is not there, or not active, or one that an operator has made and will delete.

    """
    found = await _describe(aws, arn)
    if found is None:
        raise AwsError(
            operation=str(operations.DESCRIBE_CLUSTERS),
            code="ClusterNotFoundException",
            message=f"There is no active ECS cluster {arn} in region {aws.region}; check spec.clusterArn",
            kind=Kind.NEEDS_USER,
        )
    if INSTALL_TAG in from_ecs(found.get("tags", ())):
        raise AwsError(
            operation=str(operations.DESCRIBE_CLUSTERS),
            code="ClusterIsNotGiven",
            message=f"ECS cluster {arn} was made for DaskClusters and goes with them: leave spec.clusterArn out, "
            "or name one that you have made",
            kind=Kind.NEEDS_USER,
        )
    return EcsCluster(
        arn=found["clusterArn"],
        default_capacity_provider_strategy=any(
            item["capacityProvider"] not in FARGATE_PROVIDERS
            for item in found.get("defaultCapacityProviderStrategy", ())
        ),
    )


async def find(aws: Aws, *, cluster: str) -> str:
    """Return the ARN of the active ECS cluster of this name or ARN, empty if there is none."""
    found = await _describe(aws, cluster)
    return str(found["clusterArn"]) if found else ""


async def ensure(
    aws: Aws, *, name: str, tags: Mapping[str, str], own_tags: Mapping[str, str], tell: Tell = nobody
) -> EcsCluster:
    """Create the ECS cluster, or find it.

    Raises:
        NotOursError: there is one of that name that is somebody else's.

    """
    found = await _describe(aws, name)
    if found is None:
        made = await aws.call(operations.CREATE_CLUSTER, clusterName=name, tags=ecs_tags(tags))
        tell(f"ECS cluster {name} was gone; it is made again.")
        return EcsCluster(arn=made["cluster"]["clusterArn"])
    _check_ours(found, own_tags)
    return EcsCluster(arn=found["clusterArn"])


async def associate(aws: Aws, *, arn: str, providers: Sequence[str], tell: Tell = nobody) -> None:
    """Let tasks of the ECS cluster run on these capacity providers as well.

    Raises:
        AwsError: UpdateInProgressException while an earlier change is still being made.

    """
    found = await _describe(aws, arn) or {}
    present = found.get("capacityProviders", [])
    absent = [provider for provider in providers if provider not in present]
    if absent:
        await _put_providers(aws, arn=arn, found=found, kept=present, added=absent)
        tell(f"ECS cluster {arn} could not run tasks on {', '.join(absent)} any more; it can again.")


async def dissociate(aws: Aws, *, arn: str, going: Sequence[str]) -> None:
    """Take these capacity providers from the ECS cluster, if it is there and has some of them."""
    found = await _describe(aws, arn) or {}
    present = found.get("capacityProviders", [])
    kept = [provider for provider in present if provider not in going]
    if kept != present:
        await _put_providers(aws, arn=arn, found=found, kept=kept)


async def _put_providers(
    aws: Aws, *, arn: str, found: Mapping[str, Any], kept: Sequence[str], added: Sequence[str] = ()
) -> None:
    """Change the capacity providers of an ECS cluster that was found so: the call replaces them all."""
    await aws.call(
        operations.PUT_CLUSTER_CAPACITY_PROVIDERS,
        cluster=arn,
        capacityProviders=[*await associable(aws, arn=arn, providers=kept), *added],
        defaultCapacityProviderStrategy=found.get("defaultCapacityProviderStrategy", []),
    )


async def associable(aws: Aws, *, arn: str, providers: Sequence[str]) -> list[str]:
    """Return the capacity providers of an ECS cluster without those of managed instances.

    These are always theirs, and PutClusterCapacityProviders refuses to be given them.
    """
    named = [provider for provider in providers if provider not in FARGATE_PROVIDERS]
    if not named:
        return list(providers)
    answer = await aws.call(operations.DESCRIBE_CAPACITY_PROVIDERS, capacityProviders=named, cluster=arn)
    managed = {found["name"] for found in answer["capacityProviders"] if "managedInstancesProvider" in found}
    return [provider for provider in providers if provider not in managed]


async def delete(aws: Aws, *, name: str, own_tags: Mapping[str, str]) -> None:
    """Delete the ECS cluster of this name, if it is there.

    Raises:
        NotOursError: it does not carry our tags.

    """
    found = await _describe(aws, name)
    if found is None:
        return
    ownership.check(found, own_tags, what=f"ECS cluster {name}", operation=operations.DELETE_CLUSTER)
    await aws.call(operations.DELETE_CLUSTER, cluster=name)


async def _describe(aws: Aws, cluster: str) -> dict[str, Any] | None:
    answer = await aws.call(operations.DESCRIBE_CLUSTERS, clusters=[cluster], include=["TAGS"])
    return next((found for found in answer["clusters"] if found["status"] != "INACTIVE"), None)


def _check_ours(found: Mapping[str, Any], own_tags: Mapping[str, str]) -> None:
    ownership.check(found, own_tags, what=f"ECS cluster {found['clusterName']}", operation=operations.CREATE_CLUSTER)
