"""Capacity providers: over an Auto Scaling group, or of managed instances, and which clusters have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..autoscaling.groups import name_of
from .errors import InvalidParameterException, ResourceInUseException

if TYPE_CHECKING:
    from ..autoscaling.groups import Groups
    from .model import Cluster, EcsState

FARGATE_PROVIDERS: Final = ("FARGATE", "FARGATE_SPOT")


async def create_capacity_provider(state: EcsState, request: dict[str, Any], groups: Groups) -> dict[str, Any]:
    """Make a capacity provider over an Auto Scaling group, or one of managed instances in one cluster."""
    name = request["name"]
    if name.lower().startswith(("aws", "ecs", "fargate")):
        raise InvalidParameterException("Capacity provider names must not begin with aws, ecs or fargate.")
    if name in state.capacity_providers:
        raise InvalidParameterException(
            "The specified capacity provider already exists. To change the configuration of an existing capacity"
            " provider, update the capacity provider."
        )
    over, managed = request.get("autoScalingGroupProvider"), request.get("managedInstancesProvider")
    if bool(over) == bool(managed):
        raise InvalidParameterException("Specify one of autoScalingGroupProvider and managedInstancesProvider.")
    provider: dict[str, Any] = {
        "capacityProviderArn": state.arn(f"capacity-provider/{name}"),
        "name": name,
        "status": "ACTIVE",
        "tags": request.get("tags") or [],
    }
    if over:
        provider |= {"type": "EC2_AUTOSCALING", "autoScalingGroupProvider": await _checked(state, over, groups)}
    else:
        cluster = state.cluster(request.get("cluster"))
        provider |= {"type": "MANAGED_INSTANCES", "managedInstancesProvider": managed, "cluster": cluster.name}
    state.capacity_providers[name] = provider
    return {"capacityProvider": provider}


def update_capacity_provider(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Change what a capacity provider makes of its group, or which instances it manages."""
    provider = _find(state, request["name"])
    for kind in ("autoScalingGroupProvider", "managedInstancesProvider"):
        if changes := request.get(kind):
            template = {**provider[kind].get("instanceLaunchTemplate", {}), **changes.get("instanceLaunchTemplate", {})}
            provider[kind] = {**provider[kind], **changes}
            if template:
                provider[kind]["instanceLaunchTemplate"] = template
    return {"capacityProvider": provider}


def delete_capacity_provider(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Forget a capacity provider that no cluster uses; one of managed instances ends these."""
    provider = _find(state, request["capacityProvider"].rpartition("/")[2])
    name = provider["name"]
    if any(name in cluster.capacity_providers for cluster in state.clusters.values() if cluster.status == "ACTIVE"):
        raise InvalidParameterException(
            "The capacity provider cannot be deleted because it is associated with a cluster."
        )
    if "cluster" in provider and request.get("cluster", "").rpartition("/")[2] != provider["cluster"]:
        raise InvalidParameterException("The capacity provider can only be deleted from its cluster.")
    return {"capacityProvider": {**state.capacity_providers.pop(name), "status": "INACTIVE"}}


def describe_capacity_providers(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Describe the named capacity providers, or all, or those of a cluster; Fargate's two are always there."""
    fargate = {
        name: {"capacityProviderArn": state.arn(f"capacity-provider/{name}"), "name": name, "status": "ACTIVE"}
        for name in FARGATE_PROVIDERS
    }
    known = {**fargate, **state.capacity_providers}
    if reference := request.get("cluster"):
        cluster = state.cluster(reference)
        known = {name: provider for name, provider in known.items() if is_available(state, cluster, name)}
    names = [reference.rpartition("/")[2] for reference in request.get("capacityProviders") or known]
    missing = [
        {"arn": state.arn(f"capacity-provider/{name}"), "reason": "MISSING"} for name in names if name not in known
    ]
    return {"capacityProviders": [known[name] for name in names if name in known], "failures": missing}


def put_cluster_capacity_providers(
    state: EcsState, cluster: Cluster, providers: list[str], strategy: list[dict[str, Any]]
) -> None:
    """Replace the whole set of a cluster's capacity providers; what is left out must have no tasks."""
    check_providers(state, providers, strategy)
    if any(manages_instances(state, name) for name in providers):
        raise InvalidParameterException(
            "Cannot associate Managed Instances capacity provider to clusters using this API."
        )
    dropped = set(cluster.capacity_providers) - set(providers)
    if any(task.capacity_provider in dropped for task in cluster.living()):
        raise ResourceInUseException("The specified capacity provider is in use and cannot be removed.")
    cluster.capacity_providers, cluster.default_strategy = providers, strategy


def check_providers(state: EcsState, providers: list[str], strategy: list[dict[str, Any]]) -> None:
    """Raise InvalidParameterException for a provider that does not exist or is not among the cluster's."""
    for name in providers:
        if name not in FARGATE_PROVIDERS and name not in state.capacity_providers:
            raise InvalidParameterException(
                f"The specified capacity provider '{name}' is not in an ACTIVE state or does not exist."
                " Specify a valid capacity provider and try again."
            )
    for item in strategy:
        if item["capacityProvider"] not in providers:
            raise InvalidParameterException(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated"
                " with the cluster. Associate the capacity provider with the cluster and try again."
            )


def is_available(state: EcsState, cluster: Cluster, name: str) -> bool:
    """Whether a cluster's tasks can use a provider: it is associated with it, or manages instances in it alone."""
    return name in cluster.capacity_providers or state.capacity_providers.get(name, {}).get("cluster") == cluster.name


def scales(state: EcsState, name: str | None) -> bool:
    """Whether tasks of a provider wait until it has an instance for them."""
    provider = state.capacity_providers.get(name or "", {})
    scaling = (provider.get("autoScalingGroupProvider") or {}).get("managedScaling") or {}
    return "managedInstancesProvider" in provider or scaling.get("status") == "ENABLED"


def manages_instances(state: EcsState, name: str | None) -> bool:
    """Whether it is a provider of managed instances."""
    return "managedInstancesProvider" in state.capacity_providers.get(name or "", {})


def provider_of_group(state: EcsState, cluster: Cluster, group: str) -> str | None:
    """Return the cluster's capacity provider over the Auto Scaling group, or of managed instances, of this name."""
    if manages_instances(state, group):
        return group
    for name in cluster.capacity_providers:
        over = state.capacity_providers.get(name, {}).get("autoScalingGroupProvider")
        if over and name_of(over["autoScalingGroupArn"]) == group:
            return name
    return None


async def _checked(state: EcsState, over: dict[str, Any], groups: Groups) -> dict[str, Any]:
    group = await groups.describe(state.account, state.region, over["autoScalingGroupArn"])
    if group is None:
        raise InvalidParameterException("The specified Auto Scaling group ARN is invalid or does not exist.")
    if over.get("managedTerminationProtection") == "ENABLED":
        refused = "The managed termination protection setting for the capacity provider is invalid. To enable managed"
        if not group.protects_new_instances:
            raise InvalidParameterException(
                f"{refused} termination protection for a capacity provider, the Auto Scaling group must have instance"
                " protection from scale in enabled."
            )
        if (over.get("managedScaling") or {}).get("status") != "ENABLED":
            raise InvalidParameterException(
                f"{refused} termination protection for a capacity provider, managed scaling must be enabled."
            )
    return over


def _find(state: EcsState, name: str) -> dict[str, Any]:
    if name not in state.capacity_providers:
        raise InvalidParameterException("The specified capacity provider does not exist.")
    return state.capacity_providers[name]
