"""The one decision: from what a cluster should be and what is there, what to do and what to say."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from dask_ecs.api.status import DaskClusterStatus
from dask_ecs.plan import (
    admission,
    bindings,
    capacity_steps,
    conditions,
    given_definition,
    idleness,
    infrastructure,
    made,
    pause,
    rest,
    rollout_progress,
    status,
    tasks,
    teardown,
    tls,
    unstoppable,
)
from dask_ecs.plan.action import Action, Subject
from dask_ecs.plan.observed import ROLES, Hold, Observed
from dask_ecs.plan.problems import NeedsUser
from dask_ecs.plan.target import Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do now, what to say, and when to look again; `gone` when the object may go as well."""

    actions: tuple[Action[Any], ...] = ()
    status: DaskClusterStatus
    wake_at: datetime.datetime | None = None
    run_again_at: datetime.datetime | None = None
    """When tasks are run again that could not start."""
    busy: bool = False
    gone: bool = False
    holds: Mapping[Subject, Hold] = dataclasses.field(default_factory=dict)
    """The holds that still matter."""
    infrastructure: tuple[Action[Any], ...] = ()
    """All that has to be there besides tasks, made or not yet."""


def plan(target: Target, observed: Observed, *, now: datetime.datetime) -> Plan:
    """Return what one object needs. It is pure: the same arguments give the same plan.

    An action whose subject is on hold is left out until the hold ends or the spec is edited.
    """
    deleted = target.cluster.metadata.deletion_timestamp
    planned = (_plan_deletion if deleted else _plan_wanted)(target, observed, now=now)
    if not pause.is_paused(target):
        return planned
    said = pause.status(target, planned.status, now=now)
    return dataclasses.replace(planned, actions=(), status=said, wake_at=None, busy=False, gone=False)


def awaits_first_look(target: Target, observed: Observed) -> bool:
    """Whether a cluster that ran is about to be seen again after an operator's start: its tasks, or who has joined.

    What is planned before would be planned once more right after. An edit, a deletion or trouble is looked into now.
    """
    metadata, before = target.cluster.metadata, target.cluster.status
    settled = before.observed_generation == metadata.generation and not metadata.deletion_timestamp
    if not settled or before.scheduler_address is None or observed.holds or observed.launches:
        return False
    if observed.tasks is None:
        return True
    address = before.scheduler_address
    there = any(task.role == "scheduler" and task.is_running and task.address == address for task in observed.tasks)
    # What is to be shown to a scheduler has to be read first.
    can_be_asked = not target.has_tls or tls.latest(target, observed.known) is not None
    return there and can_be_asked and observed.probe is None


def _plan_wanted(target: Target, observed: Observed, *, now: datetime.datetime) -> Plan:
    there, missing = infrastructure.plan(target, observed, now=now)
    sorted_tasks = tasks.sort(target, there, observed, now=now)
    idle = idleness.of_cluster(target, observed, sorted_tasks, now=now)
    resting = rest.of_cluster(target, sorted_tasks, idle, now=now)
    problem: NeedsUser | None = None
    todo: list[Action[Any]] = []
    gone: set[str] = set()
    step = tasks.Step()
    try:
        if rest.is_resting(resting):
            ecs_cluster = there.ecs_cluster.arn if there.ecs_cluster else None
            step = rest.plan(target, observed, ecs_cluster=ecs_cluster, now=now)
            todo += step.todo
            problem = unstoppable.problem(unstoppable.of_tasks(target, observed, now=now))
        else:
            admission.admit(target)
            capacity_steps.check(target, observed.known, there.given_definitions)
            todo += missing
            given_definition.check_certificates(target, there.given_definitions, account_id=there.account_id or "")
            if observed.tasks is not None:
                step = tasks.plan(target, there, observed, sorted_tasks, now=now)
                todo += step.todo
                deletions, gone = _clear_up(target, there, observed)
                todo += deletions
        if not status.is_unseen(target, observed, sorted_tasks):
            todo += bindings.plan(target, observed, _endpoint(there, observed, sorted_tasks))
    except NeedsUser as error:
        problem = error
    all_planned = problem is not None or (there.complete and observed.tasks is not None)
    observed = _with_relevant_holds(observed, todo, target, all_planned=all_planned)
    ready, waits = _unheld(todo, observed, target, now=now)
    said = status.of_cluster(
        target,
        there,
        observed,
        sorted_tasks,
        pending=step.pending,
        rest=resting,
        idle_since=idle.since,
        problem=problem,
        gone=gone,
        now=now,
    )
    if not ready:
        said = said.model_copy(update={"last_handled_reconcile_at": observed.looked_for})
    renewals = [there.certificate.renew_at] if there.certificate and there.certificate.renew_at > now else []
    # What is written in Kubernetes moves no task.
    acts = any(not isinstance(action, bindings.EnsureObject) for action in ready)
    busy = acts or _in_flight(sorted_tasks, observed) or idle.awaits_answer(now)
    later = (*rest.begins_at(target, resting, idle, now=now), *rollout_progress.look_at(sorted_tasks, now=now))
    return Plan(
        actions=ready,
        status=said,
        wake_at=min([*waits, *step.wake_at, *later, *renewals], default=None),
        run_again_at=_run_again_at(sorted_tasks, observed, now=now),
        busy=busy,
        holds=observed.holds,
        infrastructure=there.wanted,
    )


def _endpoint(
    there: infrastructure.Infrastructure, observed: Observed, sorted_tasks: tasks.Tasks
) -> bindings.Endpoint | None:
    if sorted_tasks.scheduler_address is None or not conditions.scheduler_is_ready(observed, sorted_tasks):
        return None
    dashboard = status.dashboard(sorted_tasks)
    return bindings.Endpoint(
        address=sorted_tasks.scheduler_address, dashboard_link=dashboard, certificate=there.certificate
    )


def _clear_up(
    target: Target, there: infrastructure.Infrastructure, observed: Observed
) -> tuple[list[Action[Any]], set[str]]:
    """Return the deletion of what older specs had made and nobody uses any more, and what of that is done."""
    if not there.complete or observed.launches:
        return [], set()
    live = [task.task_definition_arn for task in observed.tasks or () if not task.is_stopped]
    providers = {task.capacity_provider for task in observed.tasks or () if not task.is_stopped}
    things = made.obsolete(target, live, pins=there.pins, providers_in_use=providers)
    deletions = teardown.deletions(target, things, observed)
    missing = [action for action in deletions if observed.known.answer(action) is None]
    return capacity_steps.possible(missing), {str(thing) for thing in things} - {action.thing for action in missing}


def _in_flight(sorted_tasks: tasks.Tasks, observed: Observed) -> bool:
    """Whether tasks start, join or stop. Where all that is missing waits for its time, nothing is to be seen sooner."""
    if observed.tasks is None or observed.launches:
        return True
    moving = any(not task.is_stopped and not task.is_running for task in observed.tasks)
    joining = len(sorted_tasks.joined) < len(sorted_tasks.workers)
    scheduler = sorted_tasks.scheduler
    answers = observed.probe is not None and observed.probe.identity is not None
    starting = scheduler is not None and not answers and scheduler.health != "HEALTHY"
    return moving or joining or starting


def _run_again_at(sorted_tasks: tasks.Tasks, observed: Observed, *, now: datetime.datetime) -> datetime.datetime | None:
    held = [hold.retry_at for role in ROLES if (hold := observed.holds.get(role)) and hold.is_news]
    waiting = [found.retry_at for found in sorted_tasks.backoffs.values() if found.failure.started_at is None]
    return min((moment for moment in (*held, *waiting) if moment > now), default=None)


def _plan_deletion(target: Target, observed: Observed, *, now: datetime.datetime) -> Plan:
    if target.cluster.spec.deletion_policy == "Retain":
        return Plan(status=target.cluster.status, gone=True)
    step = teardown.plan(target, observed, now=now)
    observed = _with_relevant_holds(observed, step.todo, target, all_planned=True)
    ready, waits = _unheld(step.todo, observed, target, now=now)
    return Plan(
        actions=ready,
        status=status.of_deletion(target, observed, waits_for=step.waits_for, problem=step.problem, now=now),
        wake_at=min([*waits, *step.wake_at], default=None),
        busy=True,
        gone=step.done,
        holds=observed.holds,
    )


def _with_relevant_holds(
    observed: Observed, todo: Sequence[Action[Any]], target: Target, *, all_planned: bool
) -> Observed:
    """Leave out what once failed and is not wanted any more.

    While something is missing, not all that is wanted can be planned: then the holds of today's spec stay.
    """
    wanted = {"tasks", *(action.subject for action in todo)}
    generation = target.cluster.metadata.generation
    holds = {
        subject: hold
        for subject, hold in observed.holds.items()
        if subject in wanted or (hold.generation == generation and not all_planned)
    }
    return dataclasses.replace(observed, holds=holds)


def _unheld(
    todo: Sequence[Action[Any]],
    observed: Observed,
    target: Target,
    *,
    now: datetime.datetime,
) -> tuple[tuple[Action[Any], ...], list[datetime.datetime]]:
    """Return what is not on hold, and when the holds end. An edit ends them at once."""
    held = {
        subject: hold
        for subject, hold in observed.holds.items()
        if hold.generation == target.cluster.metadata.generation and hold.retry_at > now
    }
    ready = tuple(action for action in todo if action.subject not in held)
    return ready, [held[action.subject].retry_at for action in todo if action not in ready]
