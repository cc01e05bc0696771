"""CreateCluster and what else there is about clusters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .errors import (
    ClusterContainsContainerInstancesException,
    ClusterContainsTasksException,
    ClusterNotFoundException,
    InvalidParameterException,
)
from .model import Cluster, tags_from, tags_to
from .paging import page

if TYPE_CHECKING:
    from .model import EcsState

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")


def describe_cluster(cluster: Cluster, *, include: list[str]) -> dict[str, Any]:
    """Return the cluster as DescribeClusters does."""
    described: dict[str, Any] = {
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": len(cluster.instances),
        "runningTasksCount": sum(task.last_status == "RUNNING" for task in cluster.tasks.values()),
        "pendingTasksCount": sum(
            task.last_status in ("PROVISIONING", "PENDING", "ACTIVATING") for task in cluster.tasks.values()
        ),
        "activeServicesCount": 0,
        "statistics": [],
        "tags": tags_to(cluster.tags) if "TAGS" in include else [],
        "settings": cluster.settings if "SETTINGS" in include else [],
        "capacityProviders": cluster.capacity_providers,
        "defaultCapacityProviderStrategy": cluster.default_strategy,
    }
    return described


def create_cluster(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Create the cluster, or answer with the active one of that name."""
    name = request.get("clusterName") or "default"
    if not _NAME.fullmatch(name):
        raise InvalidParameterException("Invalid cluster name.")
    providers = request.get("capacityProviders") or []
    strategy = request.get("defaultCapacityProviderStrategy") or []
    check_providers(state, providers, strategy)
    cluster = state.clusters.get(name)
    if cluster is None or cluster.status != "ACTIVE":
        cluster = state.clusters[name] = Cluster(
            arn=state.arn(f"cluster/{name}"),
            name=name,
            tags=tags_from(request.get("tags")),
            settings=request.get("settings") or [{"name": "containerInsights", "value": "disabled"}],
            capacity_providers=providers,
            default_strategy=strategy,
        )
    return {"cluster": describe_cluster(cluster, include=["TAGS", "SETTINGS"])}


def delete_cluster(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Make the cluster INACTIVE; it must be empty."""
    cluster = state.any_cluster(request["cluster"])
    if cluster.instances:
        raise ClusterContainsContainerInstancesException
    if any(cluster.living()):
        raise ClusterContainsTasksException
    cluster.status = "INACTIVE"
    return {"cluster": describe_cluster(cluster, include=[])}


def describe_clusters(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Describe at most 100 clusters by name or ARN; deleted ones too, as ECS does for a while."""
    references = request.get("clusters") or ["default"]
    if len(references) > 100:
        raise InvalidParameterException("Clusters cannot have more than 100 elements.")
    clusters, failures = [], []
    for reference in references:
        try:
            found = state.any_cluster(reference)
        except ClusterNotFoundException:
            arn = reference if reference.startswith("arn:") else state.arn(f"cluster/{reference}")
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            clusters.append(describe_cluster(found, include=request.get("include") or []))
    return {"clusters": clusters, "failures": failures}


def list_clusters(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """List the active clusters' ARNs."""
    arns = [cluster.arn for cluster in state.clusters.values() if cluster.status == "ACTIVE"]
    return page("clusterArns", arns, request)


def update_cluster(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Change the cluster's settings (UpdateCluster, UpdateClusterSettings)."""
    cluster = state.cluster(request["cluster"])
    changed = {setting["name"]: setting for setting in [*cluster.settings, *(request.get("settings") or [])]}
    cluster.settings = list(changed.values())
    return {"cluster": describe_cluster(cluster, include=["TAGS", "SETTINGS"])}


def put_cluster_capacity_providers(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Replace the whole set of the cluster's capacity providers and its default strategy."""
    cluster = state.cluster(request["cluster"])
    providers, strategy = request["capacityProviders"], request["defaultCapacityProviderStrategy"]
    check_providers(state, providers, strategy)
    cluster.capacity_providers, cluster.default_strategy = providers, strategy
    return {"cluster": describe_cluster(cluster, include=["TAGS", "SETTINGS"])}


def create_capacity_provider(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Remember a capacity provider over an Auto Scaling group."""
    name = request["name"]
    if name.upper().startswith(("AWS", "ECS", "FARGATE")):
        raise InvalidParameterException("Capacity provider names must not begin with aws, ecs or fargate.")
    provider = {
        "capacityProviderArn": state.arn(f"capacity-provider/{name}"),
        "name": name,
        "status": "ACTIVE",
        "autoScalingGroupProvider": request.get("autoScalingGroupProvider"),
        "tags": request.get("tags") or [],
    }
    state.capacity_providers[name] = provider
    return {"capacityProvider": provider}


def delete_capacity_provider(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Forget a capacity provider that no cluster uses."""
    name = request["capacityProvider"].rpartition("/")[2]
    if name not in state.capacity_providers:
        raise InvalidParameterException("The specified capacity provider does not exist.")
    if any(name in cluster.capacity_providers for cluster in state.clusters.values() if cluster.status == "ACTIVE"):
        raise InvalidParameterException(
            "The capacity provider cannot be deleted because it is associated with a cluster."
        )
    provider = {**state.capacity_providers.pop(name), "status": "INACTIVE"}
    return {"capacityProvider": provider}


def describe_capacity_providers(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Describe the named capacity providers, or all; Fargate's two are always there."""
    fargate = {
        name: {"capacityProviderArn": state.arn(f"capacity-provider/{name}"), "name": name, "status": "ACTIVE"}
        for name in _FARGATE_PROVIDERS
    }
    known = {**fargate, **state.capacity_providers}
    names = [reference.rpartition("/")[2] for reference in request.get("capacityProviders") or known]
    missing = [
        {"arn": state.arn(f"capacity-provider/{name}"), "reason": "MISSING"} for name in names if name not in known
    ]
    return {"capacityProviders": [known[name] for name in names if name in known], "failures": missing}


def check_providers(state: EcsState, providers: list[str], strategy: list[dict[str, Any]]) -> None:
    """Raise InvalidParameterException for a provider that does not exist or is not among the cluster's."""
    for name in providers:
        if name not in _FARGATE_PROVIDERS and name not in state.capacity_providers:
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
