"""RunTask, written ahead: the request, its token and its hash, and what to do when its outcome is unknown.

Before each RunTask the status records {token, role, count, hash of the request, time}. While no answer is known, the
entry counts as tasks that are on their way; it is sent again with the same token and the same bytes, which AWS answers
with the first call's tasks; where that can not be (the token is old, or the request would differ), its tasks are looked
for among those that `startedBy` names.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import TYPE_CHECKING, Any

from dask_ecs.plan import names, run_task, run_task_overrides, variables
from dask_ecs.plan.actions import ForgetLaunch, RunTasks
from dask_ecs.plan.observed import (
    LAUNCH_VARIABLE,
    MARK_VARIABLE,
    NAME_VARIABLE,
    PORTS_VARIABLE,
    PROTOCOL_VARIABLE,
    SCHEDULER_VARIABLE,
    Launch,
)
from dask_ecs.plan.problems import NeedsUser

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.batches import Batch
    from dask_ecs.plan.observed import EcsCluster, Network, Observed, Role

# What the status holds at once; more workers than these run are asked for in the next pass.
MOST_LAUNCHES = 50

# AWS: "Ensuring idempotency in Amazon ECS": a token lives up to 24 hours; half of that is surely alive.
TOKEN_LIFE = datetime.timedelta(hours=12)

# AWS: "RunTask" on eventual consistency: what it started may be unseen for a while, "up to ... a couple of minutes".
UNSEEN_FOR = datetime.timedelta(seconds=120)

# Between two looks for the tasks of a launch whose time is over and for which no list of tasks has come yet.
LOOK_AGAIN = datetime.timedelta(seconds=5)

# AWS: "ContainerOverride" and "TaskOverride": 8192 characters in all, JSON included.
OVERRIDES_LIMIT = 8192


def new(
    role: Role, batch: Batch, *, uid: str, request: Mapping[str, Any], now: datetime.datetime, index: int
) -> RunTasks:
    """Return a launch that has not been before: its token is made of the cluster, the moment and the index in it."""
    token = names.short_hash(uid, role, now.isoformat(), str(index), length=32)
    launch = Launch(
        token=token,
        role=role,
        count=batch.count,
        request_hash="",
        written_at=now,
        capacity_provider=batch.capacity_provider,
        worker_name=batch.worker_name,
    )
    request = complete(request, launch)
    launch = dataclasses.replace(launch, request_hash=hash_of(request))
    return RunTasks(subject=role, launch=launch, request=request)


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
        again = complete(request, launch)
        if hash_of(again) == launch.request_hash:
            return RunTasks(subject=launch.role, launch=launch, request=again)
    if observed.listed_at is not None and observed.listed_at >= _seen_by(launch):
        return ForgetLaunch(
            subject=launch.role, token=launch.token, why=f"{found} of its {launch.count} tasks are there"
        )
    return None


def look_again_at(launch: Launch, *, now: datetime.datetime) -> datetime.datetime:
    """Return when to ask `resolve` again after it said to wait; the list of tasks that it waits for may be late."""
    return max(_seen_by(launch), now + LOOK_AGAIN)


def _seen_by(launch: Launch) -> datetime.datetime:
    return (launch.sent_until or launch.written_at) + UNSEEN_FOR


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
    container: str,
    command: list[str],
    environment: Collection[tuple[str, str]],
    scheduler_address: str | None,
    mark: str,
    started_by: str,
    tags: Mapping[str, str],
    capacity_provider: str | None = None,
) -> dict[str, Any]:
    """Return RunTask's parameters but for what differs from launch to launch.

    Raises:
        NeedsUser: RunTask's overrides are longer than they may be, or are given as they can not be.

    """
    awsvpc: dict[str, Any] = {"subnets": list(network.subnets), "securityGroups": list(security_groups)}
    if network.assign_public_ip is not None:
        awsvpc["assignPublicIp"] = "ENABLED" if network.assign_public_ip else "DISABLED"
    ports = f"{spec.scheduler.port},{spec.scheduler.dashboard_port}"
    told = {PORTS_VARIABLE: ports} if role == "scheduler" else {SCHEDULER_VARIABLE: scheduler_address}
    if role == "scheduler" and spec.has_tls:
        told[PROTOCOL_VARIABLE] = "tls"
    told[MARK_VARIABLE] = mark
    listed = _listed({**dict(environment), **told})
    request: dict[str, Any] = {
        "cluster": ecs_cluster.arn,
        "taskDefinition": task_definition_arn,
        "networkConfiguration": {"awsvpcConfiguration": awsvpc},
        "overrides": {"containerOverrides": [{"name": container, "command": command, "environment": listed}]},
        "startedBy": started_by,
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }
    request |= run_task.options(spec, role, ecs_cluster=ecs_cluster, capacity_provider=capacity_provider)
    request = run_task_overrides.under(request, run_task_overrides.given(spec, role))
    longest = _longest(role, named=role == "worker" and spec.worker.naming is not None)
    excess = len(json.dumps(complete(request, longest)["overrides"])) - OVERRIDES_LIMIT
    if excess > 0:
        raise NeedsUser(
            "CommandTooLong",
            f"The {role}'s command, variables and overrides are {excess} characters longer than the "
            f"{OVERRIDES_LIMIT:,} that ECS takes: shorten {_what_takes_room(spec, role, environment)}.",
        )
    return request


def complete(request: Mapping[str, Any], launch: Launch) -> dict[str, Any]:
    """Return the whole request of a launch: the same arguments give the same bytes."""
    override, *others = request["overrides"]["containerOverrides"]
    told = {LAUNCH_VARIABLE: launch.token}
    if launch.worker_name:
        told[NAME_VARIABLE] = launch.worker_name
        override = {**override, "command": [*override["command"], "--name", launch.worker_name]}
    environment = [*override["environment"], *_listed(told)]
    whole = {
        **request,
        "overrides": {
            **request["overrides"],
            "containerOverrides": [{**override, "environment": environment}, *others],
        },
        "count": launch.count,
        "clientToken": launch.token,
    }
    if launch.capacity_provider:
        whole["capacityProviderStrategy"] = [{"capacityProvider": launch.capacity_provider, "weight": 1}]
    return whole


def _what_takes_room(spec: DaskClusterSpec, role: Role, environment: Collection[tuple[str, str]]) -> str:
    """Return what of the overrides is the user's, the longest first, with its characters."""
    wanted = spec.role(role)
    asked = {name for name, _ in variables.of_role(spec, wanted).plain}
    parts = {
        f"environment of spec and spec.{role}": _listed({name: value for name, value in environment if name in asked}),
        f"spec.{role}.extraArgs": wanted.extra_args,
        f"spec.{role}.runTaskOverrides": run_task_overrides.given(spec, role).get("overrides"),
    }
    lengths = {name: len(json.dumps(part)) for name, part in parts.items() if part}
    longest_first = sorted(lengths, key=lambda name: -lengths[name])
    return " or ".join(f"{name} (now {lengths[name]:,})" for name in longest_first)


def _listed(environment: Mapping[str, str | None]) -> list[dict[str, str | None]]:
    return [{"name": name, "value": value} for name, value in environment.items()]


def _longest(role: Role, *, named: bool) -> Launch:
    return Launch(
        token="0" * 32,
        role=role,
        count=1,
        request_hash="",
        written_at=datetime.datetime.max,
        worker_name="0" * 16 if named else None,
    )


def hash_of(request: Mapping[str, Any]) -> str:
    """Return a hash of the whole request."""
    return names.short_hash(json.dumps(request, sort_keys=True), length=16)
