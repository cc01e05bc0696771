"""What the user is told: the status, from what was observed and nothing else."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Set
from typing import Any

from dask_ecs.api.conditions import Condition, rfc3339
from dask_ecs.api.rest import Rest
from dask_ecs.api.status import (
    Binding,
    CapacityProviders,
    DaskClusterStatus,
    ImageDigests,
    Launch,
    Phase,
    Roles,
    ServiceReference,
    TaskDefinitions,
    WorkerCounts,
)
from dask_ecs.api.tls import TlsStatus
from dask_ecs.plan import bindings, capacity, conditions, made, role_networks
from dask_ecs.plan.infrastructure import Infrastructure
from dask_ecs.plan.observed import Launch as Written
from dask_ecs.plan.observed import Observed, Role
from dask_ecs.plan.problems import NeedsUser
from dask_ecs.plan.rest import is_resting
from dask_ecs.plan.target import Target
from dask_ecs.plan.tasks import Tasks


def of_cluster(
    target: Target,
    there: Infrastructure,
    observed: Observed,
    tasks: Tasks,
    *,
    pending: Mapping[Role, int],
    rest: Rest | None,
    idle_since: datetime.datetime | None,
    problem: NeedsUser | None,
    gone: Set[str],
    now: datetime.datetime,
) -> DaskClusterStatus:
    """Return the whole status of a cluster that is wanted; `gone` is what it had made once and does not use now."""
    news = {subject: hold for subject, hold in observed.holds.items() if hold.is_news}
    observed = dataclasses.replace(observed, holds=news)
    if is_unseen(target, observed, tasks):
        return _of_unseen(target, observed, problem=problem, now=now)
    resting = rest if is_resting(rest) else None
    said = conditions.of_cluster(target, there, observed, tasks, resting=resting, problem=problem, now=now)
    desired = target.cluster.spec.worker.replicas
    running = len(tasks.joined)
    before = target.cluster.status
    scheduler_ready = said["SchedulerReady"].status == "True"
    binding, service = bindings.binding_name(target, observed), bindings.service_there(target, observed)
    return before.model_copy(
        update={
            "phase": _phase(said, observed, tasks, resting=resting),
            "observed_generation": target.cluster.metadata.generation,
            "scheduler_address": tasks.scheduler_address if scheduler_ready else None,
            "dashboard_link": dashboard(tasks) if scheduler_ready else None,
            "written": bindings.written(target, observed),
            "binding": Binding(name=binding) if binding else None,
            "service": ServiceReference(name=service) if service else None,
            "tls": TlsStatus(secret_arn=there.certificate.secret_arn, not_after=rfc3339(there.certificate.not_after))
            if there.certificate
            else before.tls,
            "replicas": len(tasks.workers) + pending.get("worker", 0),
            # A UID is always a label's value, which a name may be too long for.
            "selector": f"ecs.dask.org/uid={target.cluster.metadata.uid}",
            "workers": WorkerCounts(
                desired=desired,
                pending=len(tasks.workers) - running + pending.get("worker", 0),
                running=running,
                updated=sum(task not in tasks.rollout.outdated for task in tasks.joined),
            ),
            "image": target.image_of("worker"),
            "image_digests": ImageDigests() if resting else there.image_digests,
            "versions": seen.cluster if (seen := observed.probe and observed.probe.versions) else before.versions,
            "account_id": there.account_id or before.account_id,
            "region": target.region,
            "cluster_arn": there.ecs_cluster.arn if there.ecs_cluster else before.cluster_arn,
            "scheduler_task_arn": tasks.scheduler.arn if tasks.scheduler else None,
            "task_definitions": TaskDefinitions(
                scheduler=there.definitions.get("scheduler", before.task_definitions.scheduler),
                worker=there.definitions.get("worker", before.task_definitions.worker),
            ),
            # What is given and not admitted is not in use.
            "roles": before.roles
            if problem
            else Roles(
                execution=there.execution_role_arn or before.roles.execution,
                task=there.task_role_arn or before.roles.task,
            ),
            "made": tuple(sorted({*before.made, *map(str, made.wanted(target, there.pins))} - gone)),
            # Each once, in the order of the roles.
            "launch_type": ", ".join(dict.fromkeys(map(target.cluster.spec.launch_type_of, target.cluster.spec.roles))),
            "capacity_providers": CapacityProviders.model_validate(capacity.providers(target)),
            "security_group_id": there.security_group_id or before.security_group_id,
            "log_group": there.log_group or before.log_group,
            "network": role_networks.resolved(there.networks, before=before.network),
            "launches": written_ahead(observed.launches),
            "rest": rest,
            "idle_since": rfc3339(idle_since) if idle_since else None,
            "conditions": conditions.stamp(
                before.conditions, said, generation=target.cluster.metadata.generation, now=now
            ),
        }
    )


def is_unseen(target: Target, observed: Observed, tasks: Tasks) -> bool:
    """Whether a cluster that ran has not been looked at yet since the operator's start."""
    before = target.cluster.status
    if observed.tasks is None:
        return before.scheduler_task_arn is not None or (tasks.external and before.scheduler_address is not None)
    awaits_answer = tasks.can_be_asked and observed.probe is None
    return awaits_answer and before.scheduler_address == tasks.scheduler_address


def _of_unseen(
    target: Target, observed: Observed, *, problem: NeedsUser | None, now: datetime.datetime
) -> DaskClusterStatus:
    """Return what was said before the operator's start: it stands until the tasks have been looked at."""
    before, generation = target.cluster.status, target.cluster.metadata.generation
    said = conditions.of_unseen(observed, problem)
    if not said:
        return before
    return before.model_copy(
        update={
            "phase": "Degraded",
            "observed_generation": generation,
            "conditions": conditions.stamp(before.conditions, said, generation=generation, now=now),
        }
    )


def dashboard(tasks: Tasks) -> str | None:
    """Return where the scheduler's dashboard is."""
    task = tasks.scheduler
    return f"http://{task.private_ip}:{task.ports[1]}/status" if task and task.ports else None


def of_deletion(
    target: Target, observed: Observed, *, waits_for: str, problem: NeedsUser | None, now: datetime.datetime
) -> DaskClusterStatus:
    """Return the status of a cluster on its way out."""
    held = list(observed.holds.values())
    stuck = problem or next((hold for hold in held if hold.waits_for_user), None)
    problems = [problem.message] if problem else []
    message = " ".join([f"Waiting for: {waits_for}.", *problems, *(hold.message for hold in held)])
    said = {
        "Ready": conditions.Said(status="False", reason="Deleting", message=message),
        "Reconciling": conditions.Said(status="True", reason="Deleting", message=message),
        "Stalled": conditions.Said(status="True", reason=stuck.reason, message=stuck.message)
        if stuck
        else conditions.Said(status="False", reason="Progressing"),
    }
    before = target.cluster.status
    live = [task for task in observed.of_role("worker") if task.is_live]
    return before.model_copy(
        update={
            "phase": "Deleting",
            "observed_generation": target.cluster.metadata.generation,
            "scheduler_address": None,
            "dashboard_link": None,
            "replicas": len(live),
            "workers": WorkerCounts(desired=0, pending=0, running=sum(task.is_running for task in live)),
            "launches": written_ahead(observed.launches),
            "conditions": conditions.stamp(
                before.conditions, said, generation=target.cluster.metadata.generation, now=now
            ),
        }
    )


def of_invalid(before: Mapping[str, Any], message: str, *, generation: int, now: datetime.datetime) -> dict[str, Any]:
    """Return the status of an object that breaks the API's rules: all it had, and what is wrong."""
    old = [Condition.model_validate(condition) for condition in before.get("conditions", ())]
    said = {
        "Ready": conditions.Said(status="False", reason="InvalidSpec", message=message),
        "Reconciling": conditions.Said(status="False", reason="InvalidSpec", message=message),
        "Stalled": conditions.Said(status="True", reason="InvalidSpec", message=message),
    }
    stamped = conditions.stamp(tuple(old), said, generation=generation, now=now)
    dumped = [condition.model_dump(mode="json", exclude_none=True) for condition in stamped]
    return {**before, "phase": "Failed", "observedGeneration": generation, "conditions": dumped}


def is_news(before: DaskClusterStatus, said: DaskClusterStatus) -> bool:
    """Whether something has changed that is told at once; how far things have come may wait a moment."""
    return _facts(before) != _facts(said)


# What a condition says while all goes well.
_ON_THE_WAY = ("Pending", "Launching", "TaskStarting", "SchedulerStarting")

# What a restarted operator finds again by itself, or is only about how far things have come.
_PROGRESS = {
    *("phase", "conditions", "workers", "replicas", "launches", "scheduler_task_arn", "idle_since", "image_digests"),
    *("versions", "account_id", "cluster_arn", "network", "roles", "security_group_id", "log_group", "tls"),
    "task_definitions",
}

# Conditions of which it is news only that something is wrong.
_FOR_TROUBLE = ("NetworkReady", "RolesReady", "VersionsMatch")


def _facts(status: DaskClusterStatus) -> tuple[object, ...]:
    stands = tuple(
        (found.type, found.status, "" if found.reason in _ON_THE_WAY else found.reason)
        for found in status.conditions
        if found.type not in _FOR_TROUBLE or (found.status == "False" and found.reason not in _ON_THE_WAY)
    )
    phase = "" if status.phase in _ON_THE_WAY else status.phase
    complete = status.phase == "Deleting" or status.workers.running == status.workers.desired
    return (
        stands,
        phase,
        complete,
        *(getattr(status, name) for name in DaskClusterStatus.model_fields if name not in _PROGRESS),
    )


def written_ahead(launches: Iterable[Written]) -> tuple[Launch, ...]:
    """Return the launches as the status holds them."""
    return tuple(
        Launch(
            token=entry.token,
            role=entry.role,
            count=entry.count,
            request_hash=entry.request_hash,
            time=rfc3339_micro(entry.written_at),
            capacity_provider=entry.capacity_provider,
            worker_name=entry.worker_name,
        )
        for entry in launches
    )


def rfc3339_micro(moment: datetime.datetime) -> str:
    """Write a time to the microsecond, for it is part of what a launch is rebuilt from."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _phase(said: Mapping[str, conditions.Said], observed: Observed, tasks: Tasks, *, resting: Rest | None) -> Phase:
    if resting:
        return "Suspended"
    if said["Ready"].status == "True":
        return "Running"
    if said["Stalled"].status == "True":
        return "Failed" if said["SchedulerReady"].status != "True" else "Degraded"
    if said["SchedulerReady"].reason in (conditions.EXTERNAL_UNREACHABLE, conditions.UNHEALTHY):
        return "Degraded"
    if tasks.scheduler is None and not tasks.external and not tasks.backoffs:
        return "Pending" if not tasks.workers else "Degraded"
    return "Degraded" if tasks.backoffs or "worker" in observed.holds else "Launching"
