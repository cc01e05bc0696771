"""Whether a rollout gets on: what keeps the new workers from taking the old ones' places."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from dask_ecs.api.conditions import rfc3339
from dask_ecs.plan import diagnosis, placement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dask_ecs.plan.observed import Observed, Task
    from dask_ecs.plan.target import Target
    from dask_ecs.plan.tasks import Tasks

STUCK = "RolloutStuck"

# How long a new worker may take to join (Kubernetes: "Deployments", progressDeadlineSeconds' default).
DEADLINE = datetime.timedelta(minutes=10)


def obstacle(target: Target, observed: Observed, tasks: Tasks, *, now: datetime.datetime) -> str | None:
    """Return why workers of the spec as it is now do not come to run, None while they do or none is wanted."""
    if not tasks.rollout.is_rolling:
        return None
    if hold := observed.holds.get("worker"):
        return hold.message
    if waiting := tasks.backoffs.get("worker"):
        _, message = diagnosis.of_task(waiting.failure)
        return f"{message} It is tried again at {rfc3339(waiting.retry_at)}."
    if placement.is_full(target, "worker", observed):
        return (
            f"{placement.message(target, 'worker', observed)} To replace workers in the places that there are, set "
            "spec.updateStrategy to maxSurge: 0 and maxUnavailable: 1."
        )
    late = [task for task in _new(tasks) if task.created_at + DEADLINE <= now]
    if not late:
        return None
    states = ", ".join(sorted({task.last_status for task in late}))
    minutes = int(DEADLINE.total_seconds() // 60)
    return (
        f"Worker {late[0].id} has not joined the scheduler within {minutes} minutes (it is {states}): look at "
        f"`dask-ecs logs {target.cluster.metadata.name} worker {late[0].id}`."
    )


def look_at(tasks: Tasks, *, now: datetime.datetime) -> tuple[datetime.datetime, ...]:
    """Return when to look whether the new workers have joined."""
    if not tasks.rollout.is_rolling:
        return ()
    return tuple(moment for task in _new(tasks) if (moment := task.created_at + DEADLINE) > now)


def _new(tasks: Tasks) -> Sequence[Task]:
    """Return the workers of the spec as it is now that have not joined, the oldest first."""
    new = [task for task in tasks.workers if task not in tasks.rollout.outdated and task not in tasks.joined]
    return sorted(new, key=lambda task: (task.created_at, task.arn))
