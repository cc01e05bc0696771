"""What is said of each aspect of a cluster: conditions, from what was observed and nothing else."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

from dask_ecs.api.conditions import Condition, ConditionStatus, find_condition, rfc3339, set_condition
from dask_ecs.api.rest import Rest
from dask_ecs.plan import admission, bindings, diagnosis, pinning, placement, rest, rollout_progress, versions
from dask_ecs.plan.action import Subject
from dask_ecs.plan.infrastructure import Infrastructure
from dask_ecs.plan.observed import Observed, Role, Task
from dask_ecs.plan.problems import NeedsUser
from dask_ecs.plan.target import Target
from dask_ecs.plan.tasks import Tasks

EXTERNAL_UNREACHABLE = "ExternalSchedulerUnreachable"
UNHEALTHY = "SchedulerUnhealthy"

READY = "Ready"
# As of a Job (batch/v1, "Suspended"): a cluster at rest has it in place of Ready.
SUSPENDED = "Suspended"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """One condition without its times."""

    status: ConditionStatus
    reason: str
    message: str = ""


def stamp(
    before: tuple[Condition, ...], said: Mapping[str, Said], *, generation: int, now: datetime.datetime
) -> tuple[Condition, ...]:
    """Return the conditions with their times; what a cluster at rest does not say is taken away, and the other way."""
    away = {READY, SUSPENDED} - said.keys() if {READY, SUSPENDED} & said.keys() else set()
    conditions = tuple(condition for condition in before if condition.type not in away)
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


def of_cluster(
    target: Target,
    there: Infrastructure,
    observed: Observed,
    tasks: Tasks,
    *,
    resting: Rest | None,
    problem: NeedsUser | None,
    now: datetime.datetime,
) -> dict[str, Said]:
    """Return all conditions of a cluster that is wanted: kstatus's three first, then what explains them."""
    have_group = there.security_group_id is not None or not target.cluster.spec.needs_security_group
    have_roles = there.execution_role_arn is not None and there.task_role_arn is not None
    have_roles = have_roles or target.cluster.spec.brings_all_definitions
    before = {condition.type for condition in target.cluster.status.conditions if condition.status == "True"}
    said = {
        "NetworkReady": _resource(
            there.network is not None and have_group,
            observed,
            ("network", "securityGroup"),
            ready="SubnetsFound",
            before="NetworkReady" in before,
        ),
        "RolesReady": Said(status="False", reason=problem.reason, message=problem.message)
        if problem and problem.reason in (admission.ROLE.reason, admission.TASK_ROLE_POLICY.reason)
        else _resource(
            have_roles,
            observed,
            ("account", "executionRole", "taskRole"),
            ready="RolesFound",
            before="RolesReady" in before,
        ),
        "SchedulerReady": _scheduler(target, observed, tasks, resting=resting),
        "SchedulerReachable": _reachable(observed, tasks),
        "WorkersReady": _workers(target, observed, tasks, resting=resting),
        "UpToDate": _up_to_date(target, observed, tasks, now=now),
        **_versions(target, there, observed),
    }
    ready = _resting(target, observed, resting) if resting else _ready(target, said, observed, problem)
    still = not tasks.rollout.is_moving and (there.complete or problem is not None)
    settled = has_ended(observed) if resting else ready.status == "True" and still
    # A cluster that is ready may have something to do yet.
    todo = said["UpToDate"] if ready.status == "True" else ready
    first = _kstatus(ready, observed, problem, settled=settled, todo=todo)
    if resting and has_ended(observed):
        # kstatus takes what says that it is not ready for in progress, and one at rest is where it is meant to be.
        first = {SUSPENDED: dataclasses.replace(first.pop(READY), status="True"), **first}
    return {**first, **said}


def of_unseen(observed: Observed, problem: NeedsUser | None) -> dict[str, Said]:
    """Return what keeps the operator from looking at the tasks: kstatus's three; nothing where nothing does."""
    cause = problem or next(iter(observed.holds.values()), None)
    if cause is None:
        return {}
    ready = Said(status="False", reason=cause.reason, message=cause.message)
    return _kstatus(ready, observed, problem, settled=False, todo=ready)


def _kstatus(
    ready: Said, observed: Observed, problem: NeedsUser | None, *, settled: bool, todo: Said
) -> dict[str, Said]:
    waiting = problem is not None or any(hold.waits_for_user for hold in observed.holds.values())
    return {
        READY: ready,
        # kstatus takes a resource that is reconciling for one in progress, whatever else is said of it.
        "Reconciling": Said(status="False", reason="Stalled" if waiting else "Settled")
        if settled or waiting
        else Said(status="True", reason="Progressing", message=todo.message),
        "Stalled": _stalled(observed, problem)
        if waiting
        else Said(status="False", reason="Settled" if settled else "Progressing"),
    }


def _stalled(observed: Observed, problem: NeedsUser | None) -> Said:
    if problem:
        return Said(status="True", reason=problem.reason, message=problem.message)
    hold = next(hold for hold in observed.holds.values() if hold.waits_for_user)
    return Said(status="True", reason=hold.reason, message=hold.message)


def _resource(there: bool, observed: Observed, subjects: tuple[Subject, ...], *, ready: str, before: bool) -> Said:
    """Return whether something is there; what was there before is taken to be so while it is looked at anew."""
    hold = next((observed.holds[subject] for subject in subjects if subject in observed.holds), None)
    if hold and not there:
        return Said(status="False", reason=hold.reason, message=hold.message)
    if there or before:
        return Said(status="True", reason=ready)
    return Said(status="False", reason="Pending", message="Not made yet.")


def has_ended(observed: Observed) -> bool:
    """Whether no task is left, as far as anybody knows."""
    return not observed.launches and all(task.is_stopped for task in observed.tasks or ())


def _resting(target: Target, observed: Observed, resting: Rest) -> Said:
    left = sum(not task.is_stopped for task in observed.tasks or ())
    ending = f" {left} tasks are still ending." if left else ""
    return Said(status="False", reason=resting.reason, message=rest.message(target, resting.reason) + ending)


def _scheduler(target: Target, observed: Observed, tasks: Tasks, *, resting: Rest | None) -> Said:
    if tasks.external:
        return _external_scheduler(observed, tasks)
    if resting:
        return Said(status="False", reason=resting.reason, message="The cluster rests, so there is no scheduler.")
    task = tasks.scheduler
    if task is None:
        return _not_running(target, "scheduler", observed, tasks, otherwise="The scheduler has not been started yet.")
    if scheduler_is_ready(observed, tasks):
        return _draining(task) if task.is_draining else Said(status="True", reason="SchedulerRunning")
    if task.is_running and task.health == "UNHEALTHY":
        return Said(
            status="False",
            reason=UNHEALTHY,
            message=f"Task {task.id} runs, but Dask answers neither the operator nor ECS's health check: it hangs, or "
            "does not listen at spec.scheduler.port. Look at its log. If it does not recover, have the cluster start "
            "anew, which loses what it holds: set spec.suspend to true and, once the condition Suspended is True, back "
            "to false.",
        )
    if task.is_running:
        return Said(
            status="False", reason="SchedulerStarting", message=f"Task {task.id} runs; Dask does not answer yet."
        )
    if placement.waits(task) and (waiting := placement.message(target, "scheduler", observed)):
        return Said(status="False", reason=placement.WAITING, message=waiting)
    return Said(status="False", reason="TaskStarting", message=f"Task {task.id} is {task.last_status}.")


def _draining(task: Task) -> Said:
    return Said(
        status="True",
        reason="InstanceDraining",
        message=f"The EC2 instance of the scheduler (task {task.id}) is being drained. A scheduler can not be moved: "
        "when the instance goes, the cluster starts anew elsewhere, and what it holds is lost. Save results now; to "
        "have it start anew at once, set spec.suspend to true and, once the condition Suspended is True, back to "
        "false.",
    )


def _external_scheduler(observed: Observed, tasks: Tasks) -> Said:
    probe, address = observed.probe, tasks.scheduler_address
    if _answers(observed, tasks):
        return Said(status="True", reason="ExternalScheduler")
    if not tasks.can_be_asked:
        return Said(
            status="True",
            reason="ExternalScheduler",
            message=f"{address} has not answered the operator, which has the namespace's certificate and no other to "
            "show: it goes by what ECS says of the workers.",
        )
    if probe is None or probe.address != address:
        return Said(status="False", reason="SchedulerStarting", message=f"{address} has not been asked yet.")
    return Said(
        status="False",
        reason=EXTERNAL_UNREACHABLE,
        message=f"The scheduler at {address} does not answer the operator ({probe.error}). Check that it runs and "
        "that its network lets operator and workers in, or mend spec.scheduler.address.",
    )


def scheduler_is_ready(observed: Observed, tasks: Tasks) -> bool:
    """Whether clients can connect, as far as the operator or ECS can tell."""
    if tasks.external:
        return not tasks.can_be_asked or _answers(observed, tasks)
    task = tasks.scheduler
    return task is not None and (_answers(observed, tasks) or (task.is_running and task.health == "HEALTHY"))


def _answers(observed: Observed, tasks: Tasks) -> bool:
    probe = observed.probe
    return bool(probe and probe.identity and probe.address == tasks.scheduler_address)


def _reachable(observed: Observed, tasks: Tasks) -> Said:
    probe = observed.probe
    if probe is None or tasks.scheduler_address is None or probe.address != tasks.scheduler_address:
        return Said(status="Unknown", reason="NotTried", message="There is no scheduler to be reached yet.")
    if probe.identity:
        return Said(status="True", reason="SchedulerAnswers")
    if tasks.external:
        message = _external_scheduler(observed, tasks).message
        if not tasks.can_be_asked:
            message += f" Its last try: {probe.error}."
        return Said(status="False", reason="Unreachable", message=message)
    return Said(
        status="False",
        reason="Unreachable",
        message=f"The operator can not reach {probe.address} ({probe.error}). If that lasts: run the operator in the "
        "cluster's VPC or a peered one, and let it in by spec.network.allowedCidrs or the operator's --operator-cidr. "
        "Until then it goes by what ECS says of the tasks.",
    )


def _workers(target: Target, observed: Observed, tasks: Tasks, *, resting: Rest | None) -> Said:
    desired = target.cluster.spec.worker.replicas
    if resting:
        return Said(status="False", reason=resting.reason, message="The cluster rests, so there are no workers.")
    joined = len(tasks.joined)
    if not desired and not tasks.workers:
        return Said(status="True", reason="NoneWanted", message="spec.worker.replicas is 0.")
    if joined >= desired and len(tasks.workers) <= desired:
        return Said(status="True", reason="AllJoined")
    rollout = tasks.rollout
    if rollout.is_rolling and rollout.fewest <= joined and len(tasks.workers) <= rollout.most:
        return Said(status="True", reason="RollingOut", message=f"{joined} workers have joined; {desired} are wanted.")
    if len(tasks.workers) > desired:
        return Said(
            status="False", reason="ScalingDown", message=f"{len(tasks.workers) - desired} workers are being retired."
        )
    return _not_running(target, "worker", observed, tasks, otherwise=f"{joined} of {desired} workers have joined.")


def _up_to_date(target: Target, observed: Observed, tasks: Tasks, *, now: datetime.datetime) -> Said:
    """Return whether all tasks run the spec as it is now, and what becomes of those that do not."""
    rollout, all_workers = tasks.rollout, len(tasks.workers)
    old = f"{len(rollout.outdated)} of {all_workers} workers run an older spec"
    if rollout.restarts:
        return Said(
            status="False", reason="Restarting", message="The scheduler is another one now: all tasks are run anew."
        )
    if not (rollout.outdated or rollout.scheduler_is_outdated):
        return Said(status="True", reason="AllUpdated")
    if rollout.strategy.type == "OnDelete":
        which = "The scheduler runs an older spec. " if rollout.scheduler_is_outdated else ""
        kept = ", its image when its scheduler's is" if rollout.waits_for_image else ""
        return Said(status="False", reason="OnDelete", message=f"{which}{old}; each is replaced when it ends{kept}.")
    if obstacle := rollout_progress.obstacle(target, observed, tasks, now=now):
        return Said(
            status="False", reason=rollout_progress.STUCK, message=f"{old} and stay; new ones do not come: {obstacle}"
        )
    if not rollout.scheduler_is_outdated:
        reason = "RollingOut" if rollout.is_rolling else "Recreating"
        return Said(status="False", reason=reason, message=f"{old}; they are being replaced.")
    message = (
        "The scheduler runs an older spec. To run another, the whole cluster has to be restarted, and what its workers "
        "hold is lost: set spec.updateStrategy.type to Recreate for that, or take the edit back."
    )
    if rollout.waits_for_image:
        message += (
            f" {old} and keep their image until then, as do those that are started: Dask's versions have to be the "
            "same everywhere."
        )
    elif rollout.outdated:
        message += f" {old}; they are being replaced."
    return Said(status="False", reason="SchedulerOutdated", message=message)


def _versions(target: Target, there: Infrastructure, observed: Observed) -> dict[str, Said]:
    """Return whether scheduler, workers and clients have the same versions; nothing before they were asked."""
    seen = observed.probe.versions if observed.probe else None
    found, moved = versions.mismatch(seen.cluster) if seen else None, pinning.moved(there.image_digests, observed)
    if found or moved:
        message = " ".join(filter(None, (found.message if found else None, moved)))
        return {"VersionsMatch": Said(status="False", reason=found.reason if found else "TagMoved", message=message)}
    if seen is None:
        before = find_condition(target.cluster.status.conditions, "VersionsMatch")
        cleared = Said(status="Unknown", reason="NotAsked", message="The scheduler has not been asked yet.")
        return {"VersionsMatch": cleared} if before and before.reason == "TagMoved" else {}
    if not seen.cluster.workers:
        return {"VersionsMatch": Said(status="Unknown", reason="NoWorkers", message="No worker was asked yet.")}
    return {"VersionsMatch": Said(status="True", reason="SameVersions")}


def _not_running(target: Target, role: Role, observed: Observed, tasks: Tasks, *, otherwise: str) -> Said:
    """Return why tasks of a role are missing: what AWS refused, or how the last of them ended."""
    hold = observed.holds.get(role)
    if hold:
        return Said(status="False", reason=hold.reason, message=hold.message)
    if role in tasks.backoffs:
        waiting = tasks.backoffs[role]
        reason, message = diagnosis.of_task(waiting.failure)
        again = f"It is tried again at {rfc3339(waiting.retry_at)}."
        if role == "worker" and len(tasks.workers) >= target.cluster.spec.worker.replicas:
            again = "Others try it now."
        return Said(status="False", reason=reason, message=f"{otherwise} {message} {again}")
    if waiting_for := placement.message(target, role, observed):
        return Said(status="False", reason=placement.WAITING, message=f"{otherwise} {waiting_for}")
    return Said(status="False", reason="Launching", message=otherwise)


def _ready(target: Target, said: Mapping[str, Said], observed: Observed, problem: NeedsUser | None) -> Said:
    if problem:
        return Said(status="False", reason=problem.reason, message=problem.message)
    other = next((hold for hold in observed.holds.values() if hold.subject not in ("scaleDown",)), None)
    if other and said["SchedulerReady"].status != "True":
        return Said(status="False", reason=other.reason, message=other.message)
    for name in ("NetworkReady", "RolesReady", "SchedulerReady", "WorkersReady"):
        if said[name].status != "True":
            return Said(status="False", reason=said[name].reason, message=said[name].message)
    if bindings.binding_name(target, observed) is None:
        if hold := observed.holds.get("binding"):
            return Said(status="False", reason=hold.reason, message=hold.message)
        return Said(status="False", reason="BindingPending", message="The Secret that clients connect by is not there.")
    return Said(status="True", reason="Running", message="The scheduler and all workers run.")
