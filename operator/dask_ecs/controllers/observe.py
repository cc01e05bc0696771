"""Seeing what is: the object's tasks, and its scheduler."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from dask_ecs.aws import logs
from dask_ecs.aws.errors import Kind
from dask_ecs.aws.session import Aws
from dask_ecs.controllers.memory import Memory
from dask_ecs.controllers.prober import Prober
from dask_ecs.controllers.task_watcher import TaskWatchers
from dask_ecs.plan import admission, backoff, infrastructure, log_stream, teardown, tls
from dask_ecs.plan.observed import ROLES, Hold, Known, Observed, SchedulerProbe, Task
from dask_ecs.plan.target import Target

# Lines of a failed task's log that are shown.
TAIL_LINES = 5

# The awslogs driver sends in batches: what a task said last may arrive some seconds after its end, so it is read twice.
LOGS_LATE = datetime.timedelta(seconds=10)


async def observe(
    aws: Aws,
    target: Target,
    memory: Memory,
    *,
    watchers: TaskWatchers,
    prober: Prober,
    shared: Mapping[str, Any],
    in_use: frozenset[str],
    now: datetime.datetime,
) -> Observed:
    """Return what there is of one object."""
    known = memory.known(target.cluster.status, shared)
    arn = _ecs_cluster(target, known)
    if not arn:
        return Observed(
            known=known,
            launches=memory.launches,
            edited_at=memory.edited_at,
            holds=memory.holds,
            looked_for=memory.looked_for,
            in_use=in_use,
        )
    watcher = watchers.of(aws, arn)
    listing = watcher.watch(target.cluster.metadata.uid, busy=memory.busy, searching=memory.has_lost_launches)
    if watcher.error:
        memory.holds["tasks"] = Hold(
            subject="tasks",
            reason=watcher.error.reason,
            message=f"The tasks can not be listed. {watcher.error.advice}",
            attempts=watcher.failures,
            retry_at=now,
            generation=target.cluster.metadata.generation,
            waits_for_user=watcher.error.kind is Kind.NEEDS_USER,
            transient=watcher.error.kind is Kind.RETRY_SOON,
        )
    else:
        memory.holds.pop("tasks", None)
    tasks = listing.tasks if listing else ()
    probe = _probe(target, known, tasks, memory, prober)
    tasks = await _with_log_tails(aws, target, known, memory, tasks, now=now)
    return Observed(
        known=known,
        tasks=tasks if listing else None,
        listed_at=listing.listed_at if listing else None,
        edited_at=memory.edited_at,
        launches=memory.launches,
        probe=probe,
        holds=memory.holds,
        looked_for=memory.looked_for,
        in_use=in_use,
    )


def say_busy(
    aws: Aws, target: Target, memory: Memory, observed: Observed, *, watchers: TaskWatchers, prober: Prober, busy: bool
) -> None:
    """Tell watcher and prober how soon the next look is wanted."""
    memory.busy = busy
    if arn := _ecs_cluster(target, observed.known):
        silent = observed.probe is not None and observed.probe.identity is None
        watchers.of(aws, arn).watch(
            target.cluster.metadata.uid, busy=busy, searching=memory.has_lost_launches, silent=silent
        )
    _probe(target, observed.known, observed.tasks or (), memory, prober)


def _ecs_cluster(target: Target, known: Known) -> str:
    if target.cluster.metadata.deletion_timestamp:
        return known.answer(teardown.find_ecs_cluster(target)) or ""
    found = known.answer(infrastructure.ecs_cluster(target))
    # While everything is looked at again, the tasks are not lost from sight.
    return (found.arn if found else target.cluster.status.cluster_arn) or ""


def _probe(
    target: Target, known: Known, tasks: Iterable[Task], memory: Memory, prober: Prober
) -> SchedulerProbe | None:
    uid = target.cluster.metadata.uid
    if target.cluster.metadata.deletion_timestamp:
        return prober.last(uid)
    tasks = list(tasks)
    workers = sum(task.role == "worker" and task.is_running for task in tasks)
    certificate = tls.latest(target, known)
    if target.cluster.spec.scheduler.address:
        external = admission.external_scheduler(target)
        if external and (external.startswith("tcp://") or (certificate and not tls.has_own_ca(target))):
            return prober.watch(uid, external, certificate=certificate, busy=memory.busy, awaited=workers)
        prober.leave(uid)  # the operator has no certificate for it, or must not call it
        return None
    running = [task for task in tasks if task.role == "scheduler" and task.is_running and task.address]
    if not running:
        prober.leave(uid)
        return None
    oldest = min(running, key=lambda task: (task.created_at, task.arn))
    if certificate is None and target.has_tls:
        return None  # it is being read
    return prober.watch(
        uid,
        oldest.address or "",
        certificate=certificate,
        busy=memory.busy,
        awaited=workers,
        healthy=oldest.health == "HEALTHY",
    )


async def _with_log_tails(
    aws: Aws, target: Target, known: Known, memory: Memory, tasks: tuple[Task, ...], *, now: datetime.datetime
) -> tuple[Task, ...]:
    """Return the tasks, the last failed one of each role with the last lines of its log."""
    shown = dict(memory.log_tails)
    for role in ROLES:
        failed = [task for task in tasks if task.role == role and task.exit_code and backoff.failed_to_last(task)]
        if not failed:
            continue
        last = max(failed, key=lambda task: task.stopped_at or task.created_at)
        complete = last.stopped_at is not None and now - last.stopped_at > LOGS_LATE
        if last.arn not in shown or (complete and not memory.log_tails_complete.get(last.arn)):
            brought = infrastructure.given_definition(target, role)
            given = known.answer(brought) if brought else None
            stream = log_stream.of_task(target.cluster.spec, role, last.id, given=given)
            shown[last.arn] = (
                await logs.tail(aws, group=stream.group, stream=stream.name, lines=TAIL_LINES) if stream else ()
            )
            memory.log_tails_complete[last.arn] = complete
    present = {task.arn for task in tasks}
    memory.log_tails = {arn: tail for arn, tail in shown.items() if arn in present}
    memory.log_tails_complete = {arn: memory.log_tails_complete[arn] for arn in memory.log_tails}
    return tuple(_with_tail(task, memory.log_tails.get(task.arn, ())) for task in tasks)


def _with_tail(task: Task, tail: tuple[str, ...]) -> Task:
    return dataclasses.replace(task, log_tail=tail) if tail else task
