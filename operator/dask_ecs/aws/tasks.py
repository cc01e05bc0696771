"""ECS tasks: run, stopped, listed, described."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from dask_ecs.aws import operations
from dask_ecs.aws.errors import LACKING, AwsError, Kind, TasksNotPlacedError
from dask_ecs.aws.session import Aws
from dask_ecs.plan.observed import (
    LAUNCH_VARIABLE,
    MARK_VARIABLE,
    NAME_VARIABLE,
    PORTS_VARIABLE,
    PROTOCOL_VARIABLE,
    SCHEDULER_VARIABLE,
    STOPPED_BY_US,
    Role,
    Task,
)

# AWS: "DescribeTasks" and "ListTasks": up to 100 tasks a call.
MOST_DESCRIBED = 100
MOST_LISTED = 100


async def run(aws: Aws, request: Mapping[str, Any]) -> tuple[list[Task], TasksNotPlacedError | None]:
    """Run tasks; return those that are on their way, and what AWS said of those that are not.

    Raises:
        UnknownOutcomeError: no answer came; the same request may be sent again.
        AwsError: nothing was started; but of kind CONFLICT, when an earlier request with this token was another.

    """
    answer = await aws.call(operations.RUN_TASK, **request)
    return parse(answer["tasks"]), _not_placed(answer.get("failures", ()))


async def stop(aws: Aws, *, ecs_cluster: str, task_arn: str, why: str) -> None:
    """Stop a task; one that is gone already is fine."""
    try:
        await aws.call(operations.STOP_TASK, cluster=ecs_cluster, task=task_arn, reason=f"{STOPPED_BY_US}{why}"[:1024])
    except AwsError as error:
        if error.kind is not Kind.GONE and "not found" not in error.message:
            raise


async def list_arns(aws: Aws, *, ecs_cluster: str, stopped: bool) -> list[str]:
    """Return the ARNs of all tasks of an ECS cluster; with `stopped`, also of those that stopped in the last hour."""
    arns: list[str] = []
    for desired in ("RUNNING", "STOPPED") if stopped else ("RUNNING",):
        listing = aws.pages(operations.LIST_TASKS, "taskArns", cluster=ecs_cluster, desiredStatus=desired)
        arns += [arn async for arn in listing]
    return arns


async def describe(aws: Aws, *, ecs_cluster: str, arns: Sequence[str]) -> tuple[list[Task], set[str]]:
    """Return the tasks that are ours in form, and the ARNs that ECS does not know."""
    tasks: list[Task] = []
    missing: set[str] = set()
    for start in range(0, len(arns), MOST_DESCRIBED):
        batch = arns[start : start + MOST_DESCRIBED]
        answer = await aws.call(operations.DESCRIBE_TASKS, cluster=ecs_cluster, tasks=batch)
        tasks += parse(answer["tasks"])
        missing |= {failure["arn"] for failure in answer.get("failures", ())}
    return tasks, missing


def parse(described: Iterable[Mapping[str, Any]]) -> list[Task]:
    """Return tasks from ECS's description; those without a container of ours are left out."""
    return [task for one in described if (task := _task(one)) is not None]


def _task(one: Mapping[str, Any]) -> Task | None:
    container, environment = _main_container(one)
    role = _role(container, environment)
    if role is None or not one.get("startedBy"):
        return None
    return Task(
        arn=one["taskArn"],
        role=role,
        started_by=_shared(one["startedBy"]),
        task_definition_arn=_shared(one["taskDefinitionArn"]),
        last_status=_shared(one["lastStatus"]),
        desired_status=_shared(one["desiredStatus"]),
        version=one.get("version", 0),
        launch_token=_shared(environment.get(LAUNCH_VARIABLE)),
        scheduler_address=_shared(environment.get(SCHEDULER_VARIABLE)),
        ports=_ports(environment.get(PORTS_VARIABLE, "")),
        worker_name=environment.get(NAME_VARIABLE),
        capacity_provider=_shared(one.get("capacityProviderName")),
        container_instance=_shared(one.get("containerInstanceArn")),
        spec_mark=_shared(environment.get(MARK_VARIABLE)),
        protocol=_shared(environment.get(PROTOCOL_VARIABLE, "tcp")),
        image=_shared(container.get("image")),
        image_digest=_shared(container.get("imageDigest")),
        private_ip=_private_ip(one),
        health=_shared(container.get("healthStatus", "UNKNOWN")),
        created_at=one["createdAt"],
        started_at=one.get("startedAt"),
        stopping_at=one.get("stoppingAt"),
        stopped_at=one.get("stoppedAt"),
        stop_code=_shared(one.get("stopCode")),
        stopped_reason=_shared(one.get("stoppedReason")),
        exit_code=container.get("exitCode"),
        container_reason=_shared(container.get("reason")),
    )


def _shared(text: Any) -> Any:
    """Return the one copy of a text that many tasks have, of which there may be tens of thousands."""
    return sys.intern(text) if text else text


def _main_container(one: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return Dask's container, the one whose environment RunTask has overridden, and what it has put there.

    A user may override those of other containers; ours tells the launch.
    """
    environments = {
        override.get("name"): found
        for override in one.get("overrides", {}).get("containerOverrides", ())
        if LAUNCH_VARIABLE in (found := _variables(override))
    }
    containers = one.get("containers", ())
    named = [container for container in containers if container.get("name") in (*environments, *get_args(Role))]
    container: Mapping[str, Any] = min(named, key=lambda found: found["name"] not in environments, default={})
    return container, environments.get(container.get("name"), {})


def _variables(override: Mapping[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable.get("value", "") for variable in override.get("environment", ())}


def _role(container: Mapping[str, Any], environment: Mapping[str, str]) -> Role | None:
    """Return what a task is for; in a definition that a user brings the container may be called as the other role."""
    if PORTS_VARIABLE in environment:
        return "scheduler"
    if SCHEDULER_VARIABLE in environment:
        return "worker"
    return container["name"] if container.get("name") in get_args(Role) else None


def _ports(text: str) -> tuple[int, int] | None:
    port, _, dashboard_port = text.partition(",")
    return (int(port), int(dashboard_port)) if port.isdecimal() and dashboard_port.isdecimal() else None


# ECS API reference, Attachment: in the order in which they come.
_WAS_ATTACHED = ("ATTACHED", "DETACHING", "DETACHED", "DELETED")


def _private_ip(one: Mapping[str, Any]) -> str | None:
    """Return the address of the task's network interface, once that is attached; it is told of one that was, too."""
    for attachment in one.get("attachments", ()):
        if attachment.get("type") == "ElasticNetworkInterface" and attachment.get("status") in _WAS_ATTACHED:
            details = {detail["name"]: detail.get("value") for detail in attachment.get("details", ())}
            return details.get("privateIPv4Address")
    return None


def _not_placed(failures: Sequence[Mapping[str, Any]]) -> TasksNotPlacedError | None:
    if not failures:
        return None
    reasons = sorted({" ".join(filter(None, (one.get("reason"), one.get("detail")))) for one in failures})
    message = f"ECS placed not all tasks: {', '.join(reasons)}"
    # What does not fit never will.
    kind = Kind.BACK_OFF if any(map(LACKING.search, reasons)) else Kind.NEEDS_USER
    return TasksNotPlacedError(operation=str(operations.RUN_TASK), code="TasksNotPlaced", message=message, kind=kind)
