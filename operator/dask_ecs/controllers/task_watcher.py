"""One memory of an ECS cluster's tasks, kept by polling: quick while something starts or stops, else slow."""

import asyncio
import contextvars
import dataclasses
import datetime
import logging
from collections.abc import Callable, Iterable

from dask_ecs.aws import tasks as aws_tasks
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.session import Aws
from dask_ecs.plan import names
from dask_ecs.plan.launch import UNSEEN_FOR
from dask_ecs.plan.observed import Task

logger = logging.getLogger(__name__)

# Seconds between two looks. An account has 20 ListTasks and DescribeTasks a second (AWS: "Request throttling").
BUSY_INTERVAL = 1.0
STILL_INTERVAL = 10.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listing:
    """The tasks of one DaskCluster, and when the whole was listed."""

    tasks: tuple[Task, ...]
    listed_at: datetime.datetime


class TaskWatcher:
    """Watches one ECS cluster for all DaskClusters in it; `wake(uid)` is called when a task of theirs has changed."""

    def __init__(self, aws: Aws, *, ecs_cluster: str, install: str, wake: Callable[[str], None]) -> None:
        self._aws = aws
        self._ecs_cluster = ecs_cluster
        self._install = install
        self._wake = wake
        self._busy: dict[str, bool] = {}
        self._tasks: dict[str, dict[str, Task]] = {}
        self._foreign: set[str] = set()
        self._listed_at: datetime.datetime | None = None
        self._nudged = asyncio.Event()
        self.error: AwsError | None = None
        self.failures = 0
        """How often in a row the tasks could not be listed."""

    def watch(self, uid: str, *, busy: bool) -> Listing | None:
        """Say that a cluster is interested, and whether it waits for something; None until all was listed once."""
        if busy and not self._busy.get(uid):
            self._nudged.set()
        self._busy[uid] = busy
        if self._listed_at is None:
            return None
        return Listing(tasks=tuple(self._tasks.get(uid, {}).values()), listed_at=self._listed_at)

    def leave(self, uid: str) -> bool:
        """Say that a cluster is not interested any more; return whether nobody is."""
        self._busy.pop(uid, None)
        return not self._busy

    def put(self, tasks: Iterable[Task]) -> set[str]:
        """Take in what AWS said of tasks; return whose have changed. What is older than what is known is left out."""
        changed = set()
        for task in tasks:
            uid = names.uid_of(task.started_by, install=self._install)
            if uid is None:
                self._foreign.add(task.arn)
                continue
            known = self._tasks.setdefault(uid, {})
            before = known.get(task.arn)
            if before is None or (task.version >= before.version and task != before):
                known[task.arn] = task
                changed.add(uid)
        return changed

    def stopping(self, arn: str) -> None:
        """Take in that AWS was asked to stop a task: what is planned next does not ask again."""
        for tasks in self._tasks.values():
            if arn in tasks:
                tasks[arn] = dataclasses.replace(tasks[arn], desired_status="STOPPED")

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            self._nudged.clear()
            try:
                changed = await self._poll()
                if self.error:
                    changed |= set(self._busy)
                self.error, self.failures = None, 0
            except AwsError as error:
                logger.warning("The tasks of %s could not be listed: %s", self._ecs_cluster, error)
                self.error = error
                self.failures += 1
                changed = set(self._busy)
            for uid in changed:
                self._wake(uid)
            interval = BUSY_INTERVAL if any(self._busy.values()) and not self.error else STILL_INTERVAL
            try:
                await asyncio.wait_for(self._nudged.wait(), interval)
                await asyncio.sleep(BUSY_INTERVAL / 10)  # several that start together share one look
            except TimeoutError:
                continue

    async def _poll(self) -> set[str]:
        first = self._listed_at is None
        now = datetime.datetime.now(datetime.UTC)
        listed = await self._list()
        known = {arn: task for tasks in self._tasks.values() for arn, task in tasks.items()}
        finished = {arn for arn, task in known.items() if task.is_stopped}
        wanted = [arn for arn in listed if arn not in self._foreign and arn not in finished]
        # What RunTask has just answered may not be listed yet.
        wanted += [arn for arn in known if arn not in listed and arn not in finished]
        described, missing = await aws_tasks.describe(self._aws, ecs_cluster=self._ecs_cluster, arns=wanted)
        changed = self.put(described)
        # Tasks that are not of our making are not described again.
        self._foreign = (self._foreign | (set(wanted) - {task.arn for task in described} - missing)) & listed
        for arn, task in known.items():
            unseen = arn in missing and now - task.created_at > UNSEEN_FOR
            if unseen or (arn in finished and arn not in listed):
                uid = names.uid_of(task.started_by, install=self._install) or ""
                del self._tasks[uid][arn]
                changed.add(uid)
        self._listed_at = now
        return changed | set(self._busy) if first else changed

    async def _list(self) -> set[str]:
        try:
            return set(await aws_tasks.list_arns(self._aws, ecs_cluster=self._ecs_cluster))
        except AwsError as error:
            if error.kind is Kind.GONE:  # no ECS cluster, no tasks
                return set()
            raise


class TaskWatchers:
    """The watchers of all regions and ECS clusters, started when first asked for and ended when nobody asks."""

    def __init__(self, *, install: str, wake: Callable[[str], None]) -> None:
        self._install = install
        self._wake = wake
        self._running: dict[tuple[str, str], tuple[TaskWatcher, asyncio.Task[None]]] = {}

    def of(self, aws: Aws, ecs_cluster: str) -> TaskWatcher:
        """Return the watcher of an ECS cluster."""
        key = (aws.region, ecs_cluster)
        if key not in self._running:
            watcher = TaskWatcher(aws, ecs_cluster=ecs_cluster, install=self._install, wake=self._wake)
            self._running[key] = (
                watcher,
                asyncio.create_task(
                    watcher.run(),
                    name=f"watch {ecs_cluster}",
                    context=contextvars.Context(),  # it outlives whatever object asked for it first
                ),
            )
        return self._running[key][0]

    def leave(self, uid: str) -> None:
        """Say that a cluster is not interested in any tasks any more."""
        for key, (watcher, task) in list(self._running.items()):
            if watcher.leave(uid):
                task.cancel()
                del self._running[key]

    async def close(self) -> None:
        """End all watchers."""
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
