"""Tasks that were told to stop and do not: the ECS agent of their instance is gone, and only it stops containers."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from dask_ecs.api.conditions import rfc3339
from dask_ecs.plan.problems import NeedsUser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dask_ecs.plan.observed import Observed, Task
    from dask_ecs.plan.target import Target

# After the containers' stopTimeout: the agent tells ECS soon that they have ended; one that was restarted, or whose
# network was away, takes minutes to come back.
PATIENCE = datetime.timedelta(minutes=10)


def of_tasks(target: Target, observed: Observed, *, now: datetime.datetime) -> list[Task]:
    """Return the tasks that were told to stop too long ago."""
    return [task for task, due in _stopping(target, observed) if due <= now]


def look_at(target: Target, observed: Observed, *, now: datetime.datetime) -> list[datetime.datetime]:
    """Return when the others that stop will have taken too long."""
    return [due for _, due in _stopping(target, observed) if due > now]


def problem(tasks: Sequence[Task]) -> NeedsUser | None:
    """Return what the user has to do for tasks that do not stop, None if there are none."""
    if not tasks:
        return None
    task = tasks[0]
    since = f"was told to stop {rfc3339(task.stopping_at)}" if task.stopping_at else "was told to stop"
    others = f" So it is with {len(tasks) - 1} more." if len(tasks) > 1 else ""
    if task.container_instance is None:
        return NeedsUser("TaskDoesNotStop", f"Task {task.id} {since} and still runs: ask AWS Support.{others}")
    instance = task.container_instance.rsplit("/", 1)[-1]
    return NeedsUser(
        "TaskDoesNotStop",
        f"Task {task.id} on container instance {instance} {since} and still runs: the instance's ECS agent is gone. "
        "Restart it, or terminate the EC2 instance and have ECS forget it by `aws ecs deregister-container-instance "
        f"--force`.{others}",
    )


def _stopping(target: Target, observed: Observed) -> list[tuple[Task, datetime.datetime]]:
    """Return the tasks that stop, each with when it surely should have."""
    tasks = (task for task in observed.tasks or () if not task.is_live and not task.is_stopped)
    return [(task, task.stopping_at + PATIENCE + _stop_timeout(target, task)) for task in tasks if task.stopping_at]


def _stop_timeout(target: Target, task: Task) -> datetime.timedelta:
    return datetime.timedelta(seconds=target.cluster.spec.role(task.role).stop_timeout or 0)
