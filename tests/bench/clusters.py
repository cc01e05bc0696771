"""The DaskClusters that are measured."""

from typing import Any

from bench.objects import Body as Object
from e2e.tenant import SMALL, Body, manifest


def dask_cluster(name: str, *, namespace: str, workers: int, ecs_cluster: str | None = None) -> Body:
    """Return a DaskCluster on Fargate, of small tasks, in the given ECS cluster or in one that the operator makes."""
    spec: dict[str, Any] = {"clusterArn": ecs_cluster} if ecs_cluster else {}
    body = manifest(name, replicas=workers, worker=SMALL, **spec)
    body["metadata"]["namespace"] = namespace
    return body


def tasks_of(body: Object) -> int:
    """Return how many tasks a cluster has when it is Ready: a scheduler and its workers."""
    return 1 + int(body["spec"]["worker"]["replicas"])
