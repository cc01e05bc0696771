"""What ECS's operations demand ("Actions, resources, and condition keys for Amazon ECS")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..ecs.errors import EcsError
from ..ecs.model import tags_from
from .demand import Demand, carried, requested

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .demand import Request


def demands(request: Request) -> Iterator[Demand]:
    """Yield what the call has to be allowed to do."""
    yield from _OPERATIONS.get(request.call.operation, _anywhere)(request)


def _anywhere(request: Request) -> Iterator[Demand]:
    yield Demand(request.action)


def _create_cluster(request: Request) -> Iterator[Demand]:
    yield from _made(request, request.arn("ecs", f"cluster/{request['clusterName'] or 'default'}"))


def _on_clusters(request: Request) -> Iterator[Demand]:
    names = request["clusters"] or [request["cluster"] or "default"]
    for name in names:
        yield Demand(request.action, _cluster_arn(request, name), carried(_cluster_tags(request, name), "ecs"))


def _register_task_definition(request: Request) -> Iterator[Demand]:
    yield from _made(request, request.arn("ecs", f"task-definition/{request['family']}:*"))
    yield from _passed(request, [request["executionRoleArn"], request["taskRoleArn"]])


def _delete_task_definitions(request: Request) -> Iterator[Demand]:
    for name in request["taskDefinitions"]:
        arn, _, tags = _definition(request, name)
        yield Demand(request.action, arn, carried(tags, "ecs"))


def _run_task(request: Request) -> Iterator[Demand]:
    cluster = _cluster_arn(request, request["cluster"])
    tags = tags_from(request["tags"])
    arn, roles, definition_tags = _definition(request, request["taskDefinition"])
    providers = tuple(item["capacityProvider"] for item in request["capacityProviderStrategy"] or [])
    context = {"ecs:cluster": cluster, **requested(tags), **carried(definition_tags, "ecs")}
    yield Demand(
        request.action,
        arn,
        {
            **context,
            **({"ecs:capacity-provider": providers} if providers else {}),
            "ecs:enable-execute-command": str(bool(request["enableExecuteCommand"])).lower(),
        },
    )
    if tags or request["propagateTags"] or request["enableECSManagedTags"]:
        task = request.arn("ecs", f"task/{cluster.rpartition('/')[2]}/*")
        yield Demand(
            "ecs:TagResource", task, {**requested(tags), "ecs:CreateAction": "RunTask", "ecs:cluster": cluster}
        )
    overrides = request["overrides"] or {}
    yield from _passed(request, [*roles, overrides.get("executionRoleArn"), overrides.get("taskRoleArn")])


def _list_tasks(request: Request) -> Iterator[Demand]:
    yield Demand(request.action, "*", {"ecs:cluster": _cluster_arn(request, request["cluster"])})


def _on_tasks(request: Request) -> Iterator[Demand]:
    yield from _inside(request, "task", request["tasks"] or [request["task"]])


def _on_instances(request: Request) -> Iterator[Demand]:
    yield from _inside(request, "container-instance", request["containerInstances"] or [request["containerInstance"]])


def _tag_resource(request: Request) -> Iterator[Demand]:
    arn = request["resourceArn"]
    yield Demand(request.action, arn, {**requested(tags_from(request["tags"])), **carried(_tags(request, arn), "ecs")})


def _create_capacity_provider(request: Request) -> Iterator[Demand]:
    yield from _made(request, request.arn("ecs", f"capacity-provider/{request['name']}"))
    managed = request["managedInstancesProvider"] or {}
    yield from _passed(request, [managed.get("infrastructureRoleArn")], service="ecs.amazonaws.com")


def _on_capacity_providers(request: Request) -> Iterator[Demand]:
    names = request["capacityProviders"] or [request["capacityProvider"] or request["name"] or "*"]
    for name in names:
        short = name.rpartition("/")[2]
        tags = _tags(request, name if name.startswith("arn:") else request.arn("ecs", f"capacity-provider/{short}"))
        yield Demand(request.action, request.arn("ecs", f"capacity-provider/{short}"), carried(tags, "ecs"))


_OPERATIONS: Final[dict[str, Callable[[Request], Iterable[Demand]]]] = {
    "CreateCapacityProvider": _create_capacity_provider,
    "CreateCluster": _create_cluster,
    "DeleteCapacityProvider": _on_capacity_providers,
    "DeleteCluster": _on_clusters,
    "DeleteTaskDefinitions": _delete_task_definitions,
    "DeregisterContainerInstance": _on_instances,
    "DescribeCapacityProviders": _on_capacity_providers,
    "DescribeClusters": _on_clusters,
    "DescribeContainerInstances": _on_instances,
    "DescribeTasks": _on_tasks,
    "ListContainerInstances": _on_clusters,
    "ListTasks": _list_tasks,
    "PutClusterCapacityProviders": _on_clusters,
    "RegisterTaskDefinition": _register_task_definition,
    "RunTask": _run_task,
    "StopTask": _on_tasks,
    "TagResource": _tag_resource,
    "UpdateCapacityProvider": _on_capacity_providers,
    "UpdateCluster": _on_clusters,
    "UpdateContainerInstancesState": _on_instances,
}


def _made(request: Request, arn: str) -> Iterator[Demand]:
    """Yield the making of a thing and, where it gets tags, their setting."""
    context = requested(tags_from(request["tags"]))
    yield Demand(request.action, arn, context)
    if context:
        yield Demand("ecs:TagResource", arn, {**context, "ecs:CreateAction": request.call.operation})


def _passed(
    request: Request, roles: Iterable[str | None], *, service: str = "ecs-tasks.amazonaws.com"
) -> Iterator[Demand]:
    for role in dict.fromkeys(filter(None, roles)):
        arn = role if role.startswith("arn:") else f"arn:aws:iam::{request.account}:role/{role}"
        yield Demand("iam:PassRole", arn, {"iam:PassedToService": service})


def _inside(request: Request, kind: str, names: Iterable[str]) -> Iterator[Demand]:
    """Yield the action on each of a cluster's tasks or instances, which may be named by ARN or id."""
    cluster = _cluster_arn(request, request["cluster"])
    for name in names:
        arn = request.arn("ecs", f"{kind}/{cluster.rpartition('/')[2]}/{name.rpartition('/')[2]}")
        yield Demand(request.action, arn, {"ecs:cluster": cluster, **carried(_tags(request, arn), "ecs")})


def _cluster_arn(request: Request, name: str | None) -> str:
    name = name or "default"
    return name if name.startswith("arn:") else request.arn("ecs", f"cluster/{name}")


def _cluster_tags(request: Request, name: str) -> dict[str, str]:
    return _tags(request, _cluster_arn(request, name))


def _definition(request: Request, name: str) -> tuple[str, list[str | None], dict[str, str]]:
    """Return a task definition's ARN, its roles and its tags."""
    try:
        found = request.ecs.state(request.account, request.call.region).task_definition(name)
    except EcsError:
        return (name if name.startswith("arn:") else request.arn("ecs", f"task-definition/{name}")), [], {}
    described: dict[str, Any] = found.described
    return found.arn, [described.get("executionRoleArn"), described.get("taskRoleArn")], found.tags


def _tags(request: Request, arn: str) -> dict[str, str]:
    return request.ecs.tags(request.account, request.call.region, arn)
