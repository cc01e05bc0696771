"""How long to wait before what failed is tried again, read from what is there, not remembered."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING

from dask_ecs.plan.worker_preload import GAVE_UP

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from dask_ecs.plan.observed import Task

FIRST = datetime.timedelta(seconds=10)
LONGEST = datetime.timedelta(minutes=5)

# A task that ran this long did start; its end is news, not a failure to start.
SETTLED = datetime.timedelta(seconds=60)

# A worker takes some seconds to join; before that nobody can have retired it.
AT_ONCE = datetime.timedelta(seconds=10)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Backoff:
    """The last of the failures in a row, how many waves of tasks they were, and when to try again."""

    failure: Task
    waves: int
    retry_at: datetime.datetime


def delay(
    attempts: int, *, first: datetime.timedelta = FIRST, longest: datetime.timedelta = LONGEST
) -> datetime.timedelta:
    """Return the wait after the given number of failures in a row (1, 2, ...): doubled each time, up to the longest."""
    return min(first * (1 << min(attempts - 1, 20)), longest)


def of_stopped_tasks(
    tasks: Sequence[Task],
    *,
    task_definition_arns: Collection[str],
    joined: Collection[Task] = (),
    edited_at: datetime.datetime | None = None,
    now: datetime.datetime,
) -> Backoff | None:
    """Return what the stopped tasks of one role ask to wait for; None when nothing has failed lately.

    A task that never started counts at once, one that died young from the second on: the first is replaced without
    delay. Tasks of other definitions or from before the last edit do not count, for an edit may have mended what
    failed; nor do tasks that are older than the newest that is doing well: that runs or, where it is about workers that
    could not join, is one of `joined`. Tasks of one launch fail together, so they count once.
    """
    running, in_touch = _newest_start(task for task in tasks if task.is_running), _newest_start(joined)
    failed = [
        task
        for task in tasks
        if failed_to_last(task)
        and task.task_definition_arn in task_definition_arns
        and ((healthy := in_touch if gave_up(task) else running) is None or task.created_at > healthy)
        and (edited_at is None or task.created_at > edited_at)
    ]
    if not failed:
        return None
    last = max(failed, key=_ended)
    waves = len({task.launch_token or task.arn for task in failed})
    counted = waves if last.started_at is None else waves - 1
    retry_at = _ended(last) + delay(counted) if counted else now
    return Backoff(failure=last, waves=waves, retry_at=retry_at)


def failed_to_last(task: Task) -> bool:
    """Whether a stopped task never started, or ended young and badly; one that somebody stopped did not fail.

    A worker that could not join has failed, however long it tried. A scheduler that ends well has finished, and so has
    a worker that was retired. One that ends well at once was started to do something else.
    """
    if not task.is_stopped or task.stop_code == "UserInitiated" or (task.exit_code == 0 and task.role == "scheduler"):
        return False
    if gave_up(task):
        return True
    long_enough = AT_ONCE if task.exit_code == 0 else SETTLED
    return task.started_at is None or _ended(task) - task.started_at < long_enough


def lasted(task: Task) -> bool:
    """Whether a stopped task has run for long enough to have worked."""
    return task.started_at is not None and _ended(task) - task.started_at >= SETTLED and not gave_up(task)


def gave_up(task: Task) -> bool:
    """Whether a worker has ended because it could not reach its scheduler."""
    return task.role == "worker" and task.exit_code == GAVE_UP


def _newest_start(tasks: Iterable[Task]) -> datetime.datetime | None:
    return max((task.started_at for task in tasks if task.started_at), default=None)


def _ended(task: Task) -> datetime.datetime:
    return task.stopped_at or task.created_at
