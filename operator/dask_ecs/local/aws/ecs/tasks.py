"""DescribeTasks, ListTasks, StopTask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import InvalidParameterException
from .paging import page

if TYPE_CHECKING:
    from .model import Cluster, EcsState
    from .task import Task


def find_task(cluster: Cluster, reference: str) -> Task | None:
    """Return the task that an id or ARN names, if it is in this cluster."""
    task = cluster.tasks.get(reference.rpartition("/")[2])
    if task and reference.startswith("arn:") and reference != task.arn:
        return None
    return task


def describe_tasks(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Describe at most 100 tasks of one cluster."""
    cluster = state.cluster(request.get("cluster"))
    references = request["tasks"]
    if not references:
        raise InvalidParameterException("Tasks cannot be empty.")
    if len(references) > 100:
        raise InvalidParameterException("Tasks cannot have more than 100 elements.")
    with_tags = "TAGS" in (request.get("include") or [])
    tasks, failures = [], []
    for reference in references:
        if task := find_task(cluster, reference):
            tasks.append(task.describe(with_tags=with_tags))
        else:
            arn = reference if reference.startswith("arn:") else state.arn(f"task/{cluster.name}/{reference}")
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"tasks": tasks, "failures": failures}


def list_tasks(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """List the ARNs of tasks with the desired status, by default RUNNING."""
    cluster = state.cluster(request.get("cluster"))
    filters = {
        name: request[name]
        for name in ("containerInstance", "family", "launchType", "serviceName", "startedBy")
        if request.get(name)
    }
    if "startedBy" in filters and len(filters) > 1:
        raise InvalidParameterException("Cannot specify startedBy with any other filter.")
    desired = request.get("desiredStatus") or "RUNNING"
    if desired == "PENDING":
        # "Amazon ECS never sets the desired status of a task to that value", ListTasks in the ECS API reference.
        return {"taskArns": []}
    arns = [task.arn for task in cluster.tasks.values() if task.desired_status == desired and _matches(task, filters)]
    return page("taskArns", arns, request)


def _matches(task: Task, filters: dict[str, str]) -> bool:
    instance = task.instance.id if task.instance else None
    has = {
        "containerInstance": instance,
        "family": task.definition.family,
        "launchType": task.launch_type,
        "serviceName": None,  # no task here belongs to a service
        "startedBy": task.started_by,
    }
    wanted = {**filters}
    if "containerInstance" in wanted:
        wanted["containerInstance"] = wanted["containerInstance"].rpartition("/")[2]
    return all(has[name] == value for name, value in wanted.items())


def stop_task(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Ask one task to stop; its tags go at once."""
    cluster = state.cluster(request.get("cluster"))
    task = find_task(cluster, request["task"])
    if task is None:
        raise InvalidParameterException("The referenced task was not found.")
    if task.last_status != "STOPPED":
        reason = request.get("reason") or "Task stopped by user"
        task.end(code="UserInitiated", reason=reason)
        task.stop_asked.set()
    task.tags.clear()
    return {"task": task.describe(with_tags=False)}
