"""When a cluster rests: it has no tasks and wants none, until somebody starts it again."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from dask_ecs.api import annotation
from dask_ecs.api.conditions import rfc3339
from dask_ecs.api.duration import parse_duration
from dask_ecs.api.rest import Rest
from dask_ecs.plan import teardown
from dask_ecs.plan.tasks import Step

if TYPE_CHECKING:
    from dask_ecs.api.rest import RestReason
    from dask_ecs.plan.idleness import Idleness
    from dask_ecs.plan.observed import Observed
    from dask_ecs.plan.target import Target
    from dask_ecs.plan.tasks import Tasks


def of_cluster(target: Target, tasks: Tasks, idleness: Idleness, *, now: datetime.datetime) -> Rest | None:
    """Return how a cluster rests, or last did; the status remembers it, for ECS soon forgets the tasks that ended."""
    before, metadata = target.cluster.status.rest, target.cluster.metadata
    reason = _reason(target, tasks, idleness, before=before, now=now)
    if reason is None:
        return before.model_copy(update={"ended_at": rfc3339(now)}) if before and not before.ended_at else before
    last = tasks.scheduler or tasks.finished
    task_arn = last.arn if last else before.task_arn if before else None
    if before and not before.ended_at and before.reason == reason:
        return before.model_copy(update={"task_arn": task_arn})
    return Rest(
        reason=reason, since=rfc3339(now), generation=metadata.generation, wake=_wake(target), task_arn=task_arn
    )


def is_resting(rest: Rest | None) -> bool:
    """Whether a cluster rests now."""
    return rest is not None and rest.ended_at is None


def _reason(
    target: Target, tasks: Tasks, idleness: Idleness, *, before: Rest | None, now: datetime.datetime
) -> RestReason | None:
    if target.cluster.spec.suspend:
        return "Suspended"
    if before and before.ended_at is None and _lasts(target, tasks, before):
        return before.reason
    if tasks.finished and (before is None or before.task_arn != tasks.finished.arn):
        return "SchedulerFinished"
    # What was resting until now has a life of its own from now on.
    if is_resting(before):
        return None
    end = end_of_life(target)
    if end and end <= now:
        return "LifetimeReached"
    return "Idle" if idleness.is_over(now) else None


def _lasts(target: Target, tasks: Tasks, before: Rest) -> bool:
    """Whether nobody has asked for the cluster to start again."""
    if before.reason == "Suspended" or (before.reason == "SchedulerFinished" and tasks.scheduler):
        return False
    return (before.generation, before.wake) == (target.cluster.metadata.generation, _wake(target))


def end_of_life(target: Target) -> datetime.datetime | None:
    """Return when maxLifetime is over: it is counted from the creation or the last start after a rest."""
    limit, before = target.cluster.spec.max_lifetime, target.cluster.status.rest
    began = before.ended_at if before and before.ended_at else target.cluster.metadata.creation_timestamp
    if limit is None or began is None:
        return None
    return datetime.datetime.fromisoformat(began) + parse_duration(limit)


def begins_at(
    target: Target, rest: Rest | None, idleness: Idleness, *, now: datetime.datetime
) -> tuple[datetime.datetime, ...]:
    """Return when a cluster that does not rest has to be looked at for it."""
    moments = () if is_resting(rest) else (end_of_life(target), idleness.look_at(now))
    return tuple(moment for moment in moments if moment)


def plan(target: Target, observed: Observed, *, ecs_cluster: str | None, now: datetime.datetime) -> Step:
    """Return what ends the tasks of a cluster that rests, as Dask would have it."""
    ecs_cluster = ecs_cluster or target.cluster.status.cluster_arn
    if ecs_cluster is None or observed.tasks is None:
        return Step()
    todo, wake_at = teardown.end_tasks(target, observed, ecs_cluster=ecs_cluster, why="the cluster rests", now=now)
    return Step(todo=tuple(todo), wake_at=tuple(wake_at))


def message(target: Target, reason: RestReason) -> str:
    """Return why a cluster rests, and how to start it again."""
    spec, metadata = target.cluster.spec, target.cluster.metadata
    again = (
        "Any edit of the spec starts the cluster again, and so does "
        f"`kubectl annotate dkc {metadata.name} --overwrite {annotation.WAKE}=$(date +%s)`."
    )
    match reason:
        case "Suspended":
            return "spec.suspend is true, so nothing runs. Set it to false to start the cluster again."
        case "Idle":
            return (
                f"No client was connected, no result kept and nothing computed for {spec.scheduler.idle_timeout} "
                f"(spec.scheduler.idleTimeout), so nothing runs any more. {again}"
            )
        case "LifetimeReached":
            return f"The cluster has run for {spec.max_lifetime} (spec.maxLifetime), so nothing runs any more. {again}"
        case _:
            return (
                "The scheduler has ended by itself, as a client's shutdown() asks for, so nothing runs any more. "
                f"{again}"
            )


def _wake(target: Target) -> str | None:
    return annotation.value(target.cluster.metadata.annotations, annotation.WAKE)
