"""RunTask, written ahead: the request, its token and its hash, and what to do when its outcome is unknown.

Before each RunTask the status records {token, role, count, hash of the request, time}. While no answer is known, the
entry counts as tasks that are on their way; it is sent again with the same token and the same bytes, which AWS answers
with the first call's tasks; where that can not be (the token is old, or the request would differ), its tasks are looked
for among those that `startedBy` names.
"""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

from dask_ecs.plan import names
from dask_ecs.plan.actions import ForgetLaunch, RunTasks
from dask_ecs.plan.observed import LAUNCH_VARIABLE, PORTS_VARIABLE, SCHEDULER_VARIABLE, Launch
from dask_ecs.plan.problems import NeedsUser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.observed import EcsCluster, Network, Observed, Role

# AWS: "RunTask": at most ten tasks a call.
MOST_TASKS_A_CALL = 10

# What the status holds at once; more workers than these run are asked for in the next pass.
MOST_LAUNCHES = 50

# AWS: "Ensuring idempotency in Amazon ECS": a token lives up to 24 hours; half of that is surely alive.
TOKEN_LIFE = datetime.timedelta(hours=12)

# AWS: "RunTask" on eventual consistency: what it started may be unseen for a while, "up to ... a couple of minutes".
UNSEEN_FOR = datetime.timedelta(seconds=120)

# AWS: "ContainerOverride" and "TaskOverride": 8192 characters in all, JSON included.
OVERRIDES_LIMIT = 8192


def new(
    role: Role, count: int, *, uid: str, request: Mapping[str, Any], now: datetime.datetime, index: int
) -> RunTasks:
    """Return a launch that has not been before: its token is made of the cluster, the moment and the index in it."""
    token = names.short_hash(uid, role, now.isoformat(), str(index), length=32)
    complete = with_token(request, token=token, count=count)
    launch = Launch(token=token, role=role, count=count, request_hash=hash_of(complete), written_at=now)
    return RunTasks(subject=role, launch=launch, request=complete)


def resolve(
    launch: Launch,
    observed: Observed,
    *,
    request: Mapping[str, Any] | None,
    now: datetime.datetime,
) -> RunTasks | ForgetLaunch | None:
    """Return how to learn the outcome of a launch; None: wait.

    Args:
        launch: the written-ahead launch without a known outcome.
        observed: with the tasks seen so far.
        request: what would be asked for that role today, None if it is no longer wanted.
        now: the present moment.

    """
    found = seen(launch, observed)
    if found >= launch.count:
        return ForgetLaunch(subject=launch.role, token=launch.token, why="its tasks are seen")
    if request is not None and now - launch.written_at < TOKEN_LIFE:
        again = with_token(request, token=launch.token, count=launch.count)
        if hash_of(again) == launch.request_hash:
            return RunTasks(subject=launch.role, launch=launch, request=again)
    if observed.listed_at is not None and observed.listed_at - launch.written_at >= UNSEEN_FOR:
        return ForgetLaunch(
            subject=launch.role, token=launch.token, why=f"{found} of its {launch.count} tasks are there"
        )
    return None


def seen(launch: Launch, observed: Observed) -> int:
    """Return how many tasks of a launch are there."""
    return sum(task.launch_token == launch.token for task in observed.tasks or ())


def base_request(
    spec: DaskClusterSpec,
    role: Role,
    *,
    ecs_cluster: EcsCluster,
    network: Network,
    security_groups: tuple[str, ...],
    task_definition_arn: str,
    command: list[str],
    scheduler_address: str | None,
    started_by: str,
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """Return RunTask's parameters but for token and count.

    Raises:
        NeedsUser: the command is longer than RunTask's overrides may be.

    """
    awsvpc: dict[str, Any] = {"subnets": list(network.subnets), "securityGroups": list(security_groups)}
    if network.assign_public_ip is not None:
        awsvpc["assignPublicIp"] = "ENABLED" if network.assign_public_ip else "DISABLED"
    ports = f"{spec.scheduler.port},{spec.scheduler.dashboard_port}"
    told = {PORTS_VARIABLE: ports} if role == "scheduler" else {SCHEDULER_VARIABLE: scheduler_address}
    environment = [{"name": name, "value": value} for name, value in told.items()]
    request: dict[str, Any] = {
        "cluster": ecs_cluster.arn,
        "taskDefinition": task_definition_arn,
        "networkConfiguration": {"awsvpcConfiguration": awsvpc},
        "overrides": {"containerOverrides": [{"name": role, "command": command, "environment": environment}]},
        "startedBy": started_by,
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }
    # A cluster whose instances are scaled by capacity providers scales only for tasks without a launch type.
    if spec.launch_type == "FARGATE":
        request |= {"launchType": "FARGATE", "platformVersion": spec.platform_version}
    elif not ecs_cluster.default_capacity_provider_strategy:
        request |= {"launchType": "EC2"}
    excess = len(json.dumps(with_token(request, token="0" * 32, count=1)["overrides"])) - OVERRIDES_LIMIT
    if excess > 0:
        raise NeedsUser(
            "CommandTooLong",
            f"The {role}'s command is {excess} characters longer than ECS takes: shorten spec.{role}.extraArgs.",
        )
    return request


def with_token(request: Mapping[str, Any], *, token: str, count: int) -> dict[str, Any]:
    """Return the whole request: the same arguments give the same bytes."""
    (override,) = request["overrides"]["containerOverrides"]
    environment = [*override["environment"], {"name": LAUNCH_VARIABLE, "value": token}]
    return {
        **request,
        "overrides": {"containerOverrides": [{**override, "environment": environment}]},
        "count": count,
        "clientToken": token,
    }


def hash_of(request: Mapping[str, Any]) -> str:
    """Return a hash of the whole request."""
    return names.short_hash(json.dumps(request, sort_keys=True), length=16)
