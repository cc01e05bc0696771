"""What the user is told: the status, from what was observed and nothing else."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from dask_ecs.api.conditions import Condition, ConditionStatus, rfc3339, set_condition
from dask_ecs.api.status import (
    DaskClusterStatus,
    FinishedScheduler,
    Launch,
    Phase,
    ResolvedNetwork,
    Roles,
    TaskDefinitions,
    WorkerCounts,
)
from dask_ecs.plan import diagnosis
from dask_ecs.plan.infrastructure import Infrastructure
from dask_ecs.plan.observed import Launch as Written
from dask_ecs.plan.observed import Observed, Role, Subject
from dask_ecs.plan.problems import NeedsUser
from dask_ecs.plan.target import Target
from dask_ecs.plan.tasks import Tasks

SCHEDULER_FINISHED = "SchedulerFinished"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """One condition without its times."""

    status: ConditionStatus
    reason: str
    message: str = ""


def finished_scheduler(target: Target, tasks: Tasks) -> FinishedScheduler | None:
    """Return the scheduler that has finished under today's spec: the cluster rests until the next edit.

    The stopped task is soon forgotten by ECS, so the status remembers it, with the generation it ended under.
    """
    before, generation = target.cluster.status.finished, target.cluster.metadata.generation
    if tasks.scheduler:
        return None
    if tasks.finished and (before is None or before.task_arn != tasks.finished.arn):
        return FinishedScheduler(task_arn=tasks.finished.arn, generation=generation)
    return before if before and before.generation == generation else None


def of_cluster(
    target: Target,
    there: Infrastructure,
    observed: Observed,
    tasks: Tasks,
    *,
    pending: Mapping[Role, int],
    finished: FinishedScheduler | None,
    problem: NeedsUser | None,
    now: datetime.datetime,
) -> DaskClusterStatus:
    """Return the whole status of a cluster that is wanted."""
    news = {subject: hold for subject, hold in observed.holds.items() if hold.is_news}
    observed = dataclasses.replace(observed, holds=news)
    suspended = finished is not None
    said = _conditions(target, there, observed, tasks, suspended=suspended, problem=problem)
    desired = target.cluster.spec.worker.replicas
    running = len(tasks.joined)
    before = target.cluster.status
    scheduler_ready = said["SchedulerReady"].status == "True"
    network = there.network
    return before.model_copy(
        update={
            "phase": _phase(said, observed, tasks, suspended=suspended),
            "observed_generation": target.cluster.metadata.generation,
            "scheduler_address": tasks.scheduler_address if scheduler_ready else None,
            "dashboard_link": _dashboard(tasks) if scheduler_ready else None,
            "replicas": len(tasks.workers) + pending.get("worker", 0),
            "selector": f"ecs.dask.org/cluster={target.cluster.metadata.name}",
            "workers": WorkerCounts(
                desired=desired,
                pending=len(tasks.workers) - running + pending.get("worker", 0),
                running=running,
            ),
            "image": target.image,
            "account_id": there.account_id or before.account_id,
            "region": target.region,
            "cluster_arn": there.ecs_cluster.arn if there.ecs_cluster else before.cluster_arn,
            "scheduler_task_arn": tasks.scheduler.arn if tasks.scheduler else None,
            "task_definitions": TaskDefinitions(
                scheduler=there.definitions.get("scheduler", before.task_definitions.scheduler),
                worker=there.definitions.get("worker", before.task_definitions.worker),
            ),
            "roles": Roles(
                execution=there.execution_role_arn or before.roles.execution,
                task=there.task_role_arn or before.roles.task,
            ),
            "security_group_id": there.security_group_id or before.security_group_id,
            "log_group": there.log_group or before.log_group,
            "network": ResolvedNetwork(
                vpc_id=network.vpc_id, subnets=network.subnets, assign_public_ip=network.assign_public_ip
            )
            if network
            else before.network,
            "launches": written_ahead(observed.launches),
            "finished": finished or before.finished,
            "conditions": stamp(before.conditions, said, generation=target.cluster.metadata.generation, now=now),
        }
    )


def _dashboard(tasks: Tasks) -> str | None:
    task = tasks.scheduler
    return f"http://{task.private_ip}:{task.ports[1]}/status" if task and task.ports else None


def of_deletion(target: Target, observed: Observed, *, waits_for: str, now: datetime.datetime) -> DaskClusterStatus:
    """Return the status of a cluster on its way out."""
    held = list(observed.holds.values())
    stuck = next((hold for hold in held if hold.waits_for_user), None)
    message = " ".join([f"Waiting for: {waits_for}.", *(hold.message for hold in held)])
    said = {
        "Ready": Said(status="False", reason="Deleting", message=message),
        "Reconciling": Said(status="True", reason="Deleting", message=message),
        "Stalled": Said(status="True", reason=stuck.reason, message=stuck.message)
        if stuck
        else Said(status="False", reason="Progressing"),
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
            "conditions": stamp(before.conditions, said, generation=target.cluster.metadata.generation, now=now),
        }
    )


def of_invalid(before: Mapping[str, Any], message: str, *, generation: int, now: datetime.datetime) -> dict[str, Any]:
    """Return the status of an object that breaks the API's rules: all it had, and what is wrong."""
    old = [Condition.model_validate(condition) for condition in before.get("conditions", ())]
    said = {
        "Ready": Said(status="False", reason="InvalidSpec", message=message),
        "Reconciling": Said(status="False", reason="InvalidSpec", message=message),
        "Stalled": Said(status="True", reason="InvalidSpec", message=message),
    }
    conditions = stamp(tuple(old), said, generation=generation, now=now)
    dumped = [condition.model_dump(mode="json", exclude_none=True) for condition in conditions]
    return {**before, "phase": "Failed", "observedGeneration": generation, "conditions": dumped}


def written_ahead(launches: Iterable[Written]) -> tuple[Launch, ...]:
    """Return the launches as the status holds them."""
    return tuple(
        Launch(
            token=entry.token,
            role=entry.role,
            count=entry.count,
            request_hash=entry.request_hash,
            time=rfc3339_micro(entry.written_at),
        )
        for entry in launches
    )


def rfc3339_micro(moment: datetime.datetime) -> str:
    """Write a time to the microsecond, for it is part of what a launch is rebuilt from."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def stamp(
    before: tuple[Condition, ...], said: Mapping[str, Said], *, generation: int, now: datetime.datetime
) -> tuple[Condition, ...]:
    """Return the conditions with their times."""
    conditions = before
    for name, what in said.items():
        conditions = set_condition(
            conditions,
            name,
            what.status,
            reason=what.reason,
            message=what.message,
            observed_generation=generation,
            now=now,
        )
    return conditions


def _conditions(
    target: Target,
    there: Infrastructure,
    observed: Observed,
    tasks: Tasks,
    *,
    suspended: bool,
    problem: NeedsUser | None,
) -> dict[str, Said]:
    network = _resource(there.network is not None, observed, ("network", "securityGroup"), ready="SubnetsFound")
    if there.network and there.security_group_id is None and not target.cluster.spec.network.security_groups:
        network = _resource(False, observed, ("securityGroup",), ready="SubnetsFound")
    have_roles = there.execution_role_arn is not None and there.task_role_arn is not None
    said = {
        "NetworkReady": network,
        "RolesReady": _resource(have_roles, observed, ("account", "executionRole", "taskRole"), ready="RolesFound"),
        "SchedulerReady": _scheduler(observed, tasks, suspended=suspended),
        "SchedulerReachable": _reachable(observed, tasks),
        "WorkersReady": _workers(target, there, observed, tasks, suspended=suspended),
    }
    ready = _ready(said, observed, problem, suspended=suspended)
    waiting = problem is not None or any(hold.waits_for_user for hold in observed.holds.values())
    settled = suspended or (ready.status == "True" and (there.complete or problem is not None))
    first = {
        "Ready": ready,
        # kstatus takes a resource that is reconciling for one in progress, whatever else is said of it.
        "Reconciling": Said(status="False", reason="Stalled" if waiting else "Settled")
        if settled or waiting
        else Said(status="True", reason="Progressing", message=ready.message),
        "Stalled": _stalled(observed, problem) if waiting else Said(status="False", reason="Progressing"),
    }
    return {**first, **said}


def _stalled(observed: Observed, problem: NeedsUser | None) -> Said:
    if problem:
        return Said(status="True", reason=problem.reason, message=problem.message)
    hold = next(hold for hold in observed.holds.values() if hold.waits_for_user)
    return Said(status="True", reason=hold.reason, message=hold.message)


def _resource(there: bool, observed: Observed, subjects: tuple[Subject, ...], *, ready: str) -> Said:
    hold = next((observed.holds[subject] for subject in subjects if subject in observed.holds), None)
    if hold and not there:
        return Said(status="False", reason=hold.reason, message=hold.message)
    return (
        Said(status="True", reason=ready) if there else Said(status="False", reason="Pending", message="Not made yet.")
    )


def _scheduler(observed: Observed, tasks: Tasks, *, suspended: bool) -> Said:
    if suspended:
        return Said(
            status="False",
            reason=SCHEDULER_FINISHED,
            message="The scheduler has ended by itself, as a client's shutdown() asks for, so nothing runs any more. "
            "Any edit of the spec starts the cluster again.",
        )
    task = tasks.scheduler
    if task is None:
        return _not_running("scheduler", observed, tasks, otherwise="The scheduler has not been started yet.")
    if _answers(observed, tasks) or (task.is_running and task.health == "HEALTHY"):
        return Said(status="True", reason="SchedulerRunning")
    if task.is_running:
        return Said(
            status="False", reason="SchedulerStarting", message=f"Task {task.id} runs; Dask does not answer yet."
        )
    return Said(status="False", reason="TaskStarting", message=f"Task {task.id} is {task.last_status}.")


def _answers(observed: Observed, tasks: Tasks) -> bool:
    probe = observed.probe
    return bool(probe and probe.identity and probe.address == tasks.scheduler_address)


def _reachable(observed: Observed, tasks: Tasks) -> Said:
    probe = observed.probe
    if probe is None or tasks.scheduler is None or probe.address != tasks.scheduler_address:
        return Said(status="Unknown", reason="NotTried", message="There is no scheduler to be reached yet.")
    if probe.identity:
        return Said(status="True", reason="SchedulerAnswers")
    return Said(
        status="False",
        reason="Unreachable",
        message=f"The operator can not reach {probe.address} ({probe.error}). If that lasts: run the operator in the "
        "cluster's VPC or a peered one, and let it in by spec.network.allowedCidrs or the operator's --operator-cidr. "
        "Until then it goes by what ECS says of the tasks.",
    )


def _workers(target: Target, there: Infrastructure, observed: Observed, tasks: Tasks, *, suspended: bool) -> Said:
    desired = target.cluster.spec.worker.replicas
    if suspended:
        return Said(
            status="False", reason=SCHEDULER_FINISHED, message="There is no scheduler, so there are no workers."
        )
    joined = len(tasks.joined)
    if joined >= desired and len(tasks.workers) <= desired:
        old = sum(task.task_definition_arn != there.definitions.get("worker") for task in tasks.workers)
        message = f"{old} of them still run an older spec; each is replaced when it ends." if old else ""
        return Said(status="True", reason="AllJoined", message=message)
    if len(tasks.workers) > desired:
        return Said(
            status="False", reason="ScalingDown", message=f"{len(tasks.workers) - desired} workers are being retired."
        )
    return _not_running("worker", observed, tasks, otherwise=f"{joined} of {desired} workers have joined.")


def _not_running(role: Role, observed: Observed, tasks: Tasks, *, otherwise: str) -> Said:
    """Return why tasks of a role are missing: what AWS refused, or how the last of them ended."""
    hold = observed.holds.get(role)
    if hold:
        return Said(status="False", reason=hold.reason, message=hold.message)
    if role in tasks.backoffs:
        waiting = tasks.backoffs[role]
        reason, message = diagnosis.of_task(waiting.failure)
        again = rfc3339(waiting.retry_at)
        return Said(status="False", reason=reason, message=f"{otherwise} {message} It is tried again at {again}.")
    return Said(status="False", reason="Launching", message=otherwise)


def _ready(said: Mapping[str, Said], observed: Observed, problem: NeedsUser | None, *, suspended: bool) -> Said:
    if problem:
        return Said(status="False", reason=problem.reason, message=problem.message)
    if not suspended:
        other = next((hold for hold in observed.holds.values() if hold.subject not in ("scaleDown",)), None)
        if other and said["SchedulerReady"].status != "True":
            return Said(status="False", reason=other.reason, message=other.message)
    for name in ("NetworkReady", "RolesReady", "SchedulerReady", "WorkersReady"):
        if said[name].status != "True":
            return Said(status="False", reason=said[name].reason, message=said[name].message)
    return Said(status="True", reason="Running", message="The scheduler and all workers run.")


def _phase(said: Mapping[str, Said], observed: Observed, tasks: Tasks, *, suspended: bool) -> Phase:
    if suspended:
        return "Suspended"
    if said["Ready"].status == "True":
        return "Running"
    if said["Stalled"].status == "True":
        return "Failed" if said["SchedulerReady"].status != "True" else "Degraded"
    if tasks.scheduler is None and not tasks.backoffs:
        return "Pending" if not tasks.workers else "Degraded"
    return "Degraded" if tasks.backoffs or "worker" in observed.holds else "Launching"
