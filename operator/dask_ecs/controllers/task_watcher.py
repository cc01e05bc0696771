"""One memory of an ECS cluster's tasks: told by events where there are any, else kept by polling by need."""

import asyncio
import contextvars
import dataclasses
import datetime
import functools
import logging
from collections.abc import Callable, Iterable

from dask_ecs.aws import tasks as aws_tasks
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.session import Aws
from dask_ecs.controllers.draining import DrainingInstances
from dask_ecs.plan import names
from dask_ecs.plan.launch import UNSEEN_FOR
from dask_ecs.plan.observed import Task

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds between two looks at tasks that start or stop, and between two sweeps of all."""

    busy: float
    still: float


# Without events a death is news within ten seconds, unless all sweeps together would then take more than 3.5 of the 20
# ListTasks and DescribeTasks that an account has a second (AWS: "Request throttling"): those who launch want them too.
# Looks at what starts or stops are rarer than one a second where together they would take more than 5.
POLLING = Pace(busy=1, still=10)
MOST_SWEEP_CALLS = 3.5
MOST_LOOK_CALLS = 5
# Events may come late or get lost, so what they tell is checked.
WITH_EVENTS = Pace(busy=20, still=600)

# So many times as long as a look took is the least until the next.
_PAUSE = 5

# ECS shows a stopped task for an hour (AWS: "DescribeTasks"); it is kept in mind as long.
STOPPED_FOR = datetime.timedelta(hours=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listing:
    """The tasks of one DaskCluster, and when the whole was listed."""

    tasks: tuple[Task, ...]
    listed_at: datetime.datetime


class TaskWatcher:
    """Watches one ECS cluster for all DaskClusters in it; `wake(uid)` is called when a task of theirs has changed."""

    def __init__(
        self,
        aws: Aws,
        *,
        ecs_cluster: str,
        install: str,
        wake: Callable[[str], None],
        pace: Callable[[], Pace] = lambda: POLLING,
        watchers: Callable[[], int] = lambda: 1,
    ) -> None:
        self._aws = aws
        self._ecs_cluster = ecs_cluster
        self._install = install
        self._wake = wake
        self._pace = pace
        self._watchers = watchers
        self._draining = DrainingInstances(aws, ecs_cluster=ecs_cluster)
        self._interested: set[str] = set()
        self._busy: set[str] = set()
        self._searching: set[str] = set()
        self._silent: set[str] = set()
        self._newly_silent: set[str] = set()
        self._tasks: dict[str, dict[str, Task]] = {}
        self._foreign: set[str] = set()
        self._listed_at: datetime.datetime | None = None
        self._swept_at = -float("inf")
        self._nudged = asyncio.Event()
        self.error: AwsError | None = None
        self.failures = 0
        """How often in a row the tasks could not be listed."""

    def watch(self, uid: str, *, busy: bool, searching: bool = False, silent: bool | None = None) -> Listing | None:
        """Say that a cluster is interested, and whether it waits for its tasks; None until all was listed once.

        `searching`: tasks may be there that were never seen, so that all have to be listed. `silent`: its scheduler
        does not answer, so that of its health only ECS tells; None: as before.
        """
        if busy and uid not in self._busy:
            self._nudged.set()
        if silent and uid not in self._silent:
            self._newly_silent.add(uid)
            self._nudged.set()
        if silent is not None:
            (self._silent.add if silent else self._silent.discard)(uid)
        self._interested.add(uid)
        (self._busy.add if busy else self._busy.discard)(uid)
        (self._searching.add if searching else self._searching.discard)(uid)
        if self._listed_at is None:
            return None
        tasks = self._tasks.get(uid, {}).values()
        return Listing(tasks=tuple(map(self._with_its_instance, tasks)), listed_at=self._listed_at)

    def _with_its_instance(self, task: Task) -> Task:
        drains = task.container_instance in self._draining.arns
        return dataclasses.replace(task, is_draining=True) if drains else task

    def leave(self, uid: str) -> bool:
        """Say that a cluster is not interested any more; return whether nobody is."""
        for uids in (self._interested, self._busy, self._searching, self._silent, self._newly_silent):
            uids.discard(uid)
        self._tasks.pop(uid, None)
        return not self._interested

    def look_now(self) -> None:
        """Sweep as soon as may be."""
        self._swept_at = -float("inf")
        self._nudged.set()

    def hear(self, task: Task) -> set[str]:
        """Take in what an event says of a task; return whose has changed. Events tell nothing of its health."""
        uid = names.uid_of(task.started_by, install=self._install) or ""
        before = self._tasks.get(uid, {}).get(task.arn)
        return self.put([dataclasses.replace(task, health=before.health) if before else task])

    def put(self, tasks: Iterable[Task]) -> set[str]:
        """Take in what AWS said of tasks; return whose have changed. What is older than what is known is left out."""
        changed = set()
        for told in tasks:
            uid = names.uid_of(told.started_by, install=self._install)
            if uid is None:
                self._foreign.add(told.arn)
                continue
            known = self._tasks.setdefault(uid, {})
            before = known.get(told.arn)
            task = _with_stopping_at(told, before)
            if before is None or (task.version >= before.version and task != before):
                known[task.arn] = task
                changed.add(uid)
        return changed

    @property
    def sweep_calls(self) -> int:
        """How many calls a sweep takes: one for each hundred tasks, and for each hundred that are described."""
        listed = -(-max(sum(map(len, self._tasks.values())), 1) // aws_tasks.MOST_LISTED)
        return listed + -(-len(self._silent) // aws_tasks.MOST_DESCRIBED)

    @property
    def look_calls(self) -> int:
        """How many calls a look at what is waited for takes."""
        return -(-len(self._awaited()) // aws_tasks.MOST_LISTED)

    def stopping(self, arn: str) -> None:
        """Take in that AWS was asked to stop a task: what is planned next does not ask again."""
        for tasks in self._tasks.values():
            if arn in tasks:
                told = dataclasses.replace(tasks[arn], desired_status="STOPPED")
                tasks[arn] = _with_stopping_at(told, tasks[arn])

    async def run(self) -> None:
        """Poll until cancelled."""
        time = asyncio.get_running_loop().time
        while True:
            self._nudged.clear()
            began = time()
            try:
                changed = await self._look(now=time()) | await self._look_for_draining(now=time())
                if self.error:
                    changed |= self._interested
                self.error, self.failures = None, 0
            except Exception as error:  # the loop's edge: what nobody expected must not end the watch
                if isinstance(error, AwsError):
                    logger.warning("The tasks of %s could not be listed: %s", self._ecs_cluster, error)
                else:
                    logger.exception("The tasks of %s could not be listed", self._ecs_cluster)
                self.error = error if isinstance(error, AwsError) else _unexpected(error)
                self.failures += 1
                changed = set(self._interested)
            for uid in changed:
                self._wake(uid)
            pace = self._pace()
            quick = self._busy and (not self.error or self._listed_at is None)
            # Where a look takes long, for AWS or this process has much to do, there are fewer.
            busy = max(pace.busy, min(_PAUSE * (time() - began), pace.still))
            interval = busy if quick else max(self._swept_at + pace.still - time(), busy)
            if self._on_instances():
                interval = min(interval, max(self._draining.seconds_until_due(now=time()), busy))
            if self.error:
                interval = min(_AFTER_ERROR * 2 ** min(self.failures, _MOST_DOUBLINGS), pace.still)
            looked_at = time()
            try:
                async with asyncio.timeout(interval):  # wait_for may lose a cancellation that comes with the nudge
                    await self._nudged.wait()
                await asyncio.sleep(min(interval, looked_at + busy - time()))  # several may start together
            except TimeoutError:
                continue

    async def _look(self, *, now: float) -> set[str]:
        """Look at what is waited for and, when it is time, at all there is; return whose tasks have changed."""
        awaited = self._awaited()
        self._newly_silent.clear()
        if self._listed_at is None or self._searching or now - self._swept_at >= self._pace().still:
            changed = await self._sweep()
            self._swept_at = now
            return changed
        return await self._describe(awaited, listed=frozenset())

    def _awaited(self) -> list[str]:
        # Workers that run are left to the sweep: there may be hundreds, and Dask misses them sooner.
        starting_or_stopping = {
            task.arn
            for uid in self._busy
            for task in self._tasks.get(uid, {}).values()
            if not task.is_stopped and (task.role == "scheduler" or not task.is_running)
        }
        return list(starting_or_stopping | self._running_schedulers(self._newly_silent))

    def _running_schedulers(self, uids: Iterable[str]) -> set[str]:
        tasks = (task for uid in uids for task in self._tasks.get(uid, {}).values())
        return {task.arn for task in tasks if task.role == "scheduler" and task.is_running}

    def _on_instances(self) -> dict[str, set[str]]:
        """Return whose tasks run on which EC2 instance."""
        found: dict[str, set[str]] = {}
        for uid, tasks in self._tasks.items():
            for task in tasks.values():
                if task.container_instance and task.is_live:
                    found.setdefault(task.container_instance, set()).add(uid)
        return found

    async def _look_for_draining(self, *, now: float) -> set[str]:
        users = self._on_instances()
        if not users:
            return set()
        changed = await self._draining.look(now=now, watchers=self._watchers())
        return {uid for instance in changed for uid in users.get(instance, ())}

    async def _sweep(self) -> set[str]:
        first = self._listed_at is None
        now = datetime.datetime.now(datetime.UTC)
        listed = await self._list(stopped=first or bool(self._searching))
        known = {arn: task for tasks in self._tasks.values() for arn, task in tasks.items()}
        finished = {arn for arn, task in known.items() if task.is_stopped}
        # ECS lists what is meant to run. What runs as it did need not be described; what has just been started, or is
        # to stop, may not be listed. Of a scheduler that has hung, neither a list nor an event tells.
        settled = {arn for arn, task in known.items() if task.is_running and arn in listed}
        settled -= self._running_schedulers(self._silent)
        wanted = list({*listed, *known} - finished - settled - self._foreign)
        changed = await self._describe(wanted, listed=listed)
        self._foreign &= listed
        for arn in finished:
            if now - (known[arn].stopped_at or now) > STOPPED_FOR:
                changed |= self._drop(known[arn])
        self._tasks = {uid: tasks for uid, tasks in self._tasks.items() if tasks or uid in self._interested}
        self._listed_at = now
        return changed | self._interested if first else changed

    async def _describe(self, arns: list[str], *, listed: frozenset[str]) -> set[str]:
        now = datetime.datetime.now(datetime.UTC)
        try:
            described, missing = await aws_tasks.describe(self._aws, ecs_cluster=self._ecs_cluster, arns=arns)
        except AwsError as error:
            if error.kind is not Kind.GONE:
                raise
            described, missing = [], set(arns)  # with their ECS cluster
        changed = self.put(described)
        # Tasks that are not of our making are not described again.
        self._foreign |= (listed & set(arns)) - {task.arn for task in described} - missing
        for tasks in list(self._tasks.values()):
            for arn in missing & tasks.keys():
                if now - tasks[arn].created_at > UNSEEN_FOR:
                    changed |= self._drop(tasks[arn])
        return changed

    def _drop(self, task: Task) -> set[str]:
        uid = names.uid_of(task.started_by, install=self._install) or ""
        self._tasks.get(uid, {}).pop(task.arn, None)
        return {uid}

    async def _list(self, *, stopped: bool) -> frozenset[str]:
        try:
            return frozenset(await aws_tasks.list_arns(self._aws, ecs_cluster=self._ecs_cluster, stopped=stopped))
        except AwsError as error:
            if error.kind is Kind.GONE:  # no ECS cluster, no tasks
                return frozenset()
            raise


def _with_stopping_at(task: Task, before: Task | None) -> Task:
    """Return a task with when it was told to stop, where ECS does not say: when that was first seen."""
    if task.desired_status != "STOPPED" or task.is_stopped or task.stopping_at:
        return task
    seen = before.stopping_at if before else None
    return dataclasses.replace(task, stopping_at=seen or datetime.datetime.now(datetime.UTC))


def _unexpected(error: Exception) -> AwsError:
    return AwsError(operation="ecs:ListTasks", code=type(error).__name__, message=str(error), kind=Kind.BACK_OFF)


# Seconds after a failure, doubled each time until it is more than any pace.
_AFTER_ERROR, _MOST_DOUBLINGS = 5.0, 10


class TaskWatchers:
    """The watchers of all regions and ECS clusters, started when first asked for and ended when nobody asks."""

    def __init__(self, *, install: str, wake: Callable[[str], None]) -> None:
        self._install = install
        self._wake = wake
        self._running: dict[tuple[str, str], tuple[TaskWatcher, asyncio.Task[None]]] = {}
        self._polling = POLLING
        self._polling_until = -float("inf")
        self.events_flow: Callable[[str], bool] = lambda _: False
        """Whether ECS's events tell of the tasks of a region, so that a look now and then is enough."""

    def of(self, aws: Aws, ecs_cluster: str) -> TaskWatcher:
        """Return the watcher of an ECS cluster."""
        key = (aws.region, ecs_cluster)
        if key not in self._running:
            watcher = TaskWatcher(
                aws,
                ecs_cluster=ecs_cluster,
                install=self._install,
                wake=self._wake,
                pace=functools.partial(self._pace, aws.region),
                watchers=lambda: len(self._running),
            )
            self._running[key] = (
                watcher,
                asyncio.create_task(
                    watcher.run(),
                    name=f"watch {ecs_cluster}",
                    context=contextvars.Context(),  # it outlives whatever object asked for it first
                ),
            )
        return self._running[key][0]

    def on_event(self, ecs_cluster: str, task: Task) -> None:
        """Take in what an event says of a task."""
        region = ecs_cluster.split(":")[3]
        if found := self._running.get((region, ecs_cluster)):
            for uid in found[0].hear(task):
                self._wake(uid)

    def look_now(self) -> None:
        """Have all tasks looked at, for events may have been missed."""
        for watcher, _ in self._running.values():
            watcher.look_now()

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

    def _pace(self, region: str) -> Pace:
        if self.events_flow(region):
            return WITH_EVENTS
        now = asyncio.get_running_loop().time()
        if now >= self._polling_until:
            sweeps = sum(watcher.sweep_calls for watcher, _ in self._running.values())
            looks = sum(watcher.look_calls for watcher, _ in self._running.values())
            still = max(POLLING.still, sweeps / MOST_SWEEP_CALLS)
            self._polling = Pace(busy=min(max(POLLING.busy, looks / MOST_LOOK_CALLS), still), still=still)
            self._polling_until = now + POLLING.still / 2
        return self._polling
