"""CreateCluster and what else there is about clusters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from . import capacity_providers
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
    capacity_providers.check_providers(state, providers, strategy)
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
    capacity_providers.put_cluster_capacity_providers(
        state, cluster, request["capacityProviders"], request["defaultCapacityProviderStrategy"]
    )
    return {"cluster": describe_cluster(cluster, include=["TAGS", "SETTINGS"])}
