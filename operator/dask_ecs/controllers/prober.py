"""Asking schedulers who has joined, in the background: quick while something is awaited, else slow."""

import asyncio
import contextlib
import contextvars
import dataclasses
import datetime
import functools
import heapq
import itertools
import logging
from collections.abc import Callable

from dask_ecs.api.versions import ClusterVersions
from dask_ecs.dask import scheduler
from dask_ecs.dask.errors import SchedulerError
from dask_ecs.plan.certificate import Certificate
from dask_ecs.plan.observed import SchedulerProbe
from dask_ecs.plan.scheduler import Activity, SchedulerIdentity
from dask_ecs.plan.versions import SeenVersions, to_ask

logger = logging.getLogger(__name__)

# Seconds that a scheduler has to answer; one that is busy computes for longer, and what it said last is believed for so
# long: that its task has ended, ECS tells.
DEADLINE = 3.0
PATIENCE = 60.0

# Seconds between two questions: while something is awaited, growing as long as nothing changes; and when all is still,
# unless that makes more than so many questions a second.
BUSY_FIRST, BUSY_FACTOR, BUSY_LONGEST = 0.5, 1.5, 10.0
STILL = 15.0
MOST_STILL_A_SECOND = 4

# Idleness is told in whole seconds, and an answer takes up to DEADLINE.
_SAME_IDLENESS = datetime.timedelta(seconds=DEADLINE + 1)

# Schedulers that are asked at once, by whether something is awaited of them: after a start there are thousands of which
# nothing is. And the shortest time between two questions: one takes 7 ms of the CPU with TLS.
_AT_ONCE = {True: 50, False: 3}
_GAP = 0.01


@dataclasses.dataclass(slots=True)
class _Watched:
    address: str
    awaited: int
    healthy: bool
    busy: bool
    certificate: Certificate | None = None
    probe: SchedulerProbe | None = None
    answered_at: float = -float("inf")
    interval: float = BUSY_FIRST
    due: float = 0.0
    versions_from: float = -float("inf")  # when to ask for versions again that could not be had


class Prober:
    """Keeps what the scheduler of each cluster last said; `wake(uid)` is called when that has changed."""

    def __init__(
        self,
        *,
        wake: Callable[[str], None],
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._wake = wake
        self._now = now
        self._watched: dict[str, _Watched] = {}
        self._due: dict[bool, list[tuple[float, int, str]]] = {busy: [] for busy in _AT_ONCE}
        self._order = itertools.count()
        self._nudged = asyncio.Event()
        self._asking: dict[bool, set[asyncio.Task[None]]] = {busy: set() for busy in _AT_ONCE}

    def watch(
        self,
        uid: str,
        address: str,
        *,
        certificate: Certificate | None = None,
        busy: bool,
        awaited: int = 0,
        healthy: bool = False,
    ) -> SchedulerProbe | None:
        """Have a scheduler asked again and again; return what it said last, None if that was never or elsewhere.

        `awaited` is how many workers run, whether they have joined or not, and `healthy` whether ECS calls the
        scheduler so; when either changes it is asked at once.
        """
        watched = self._watched.get(uid)
        if watched is None or watched.address != address:
            watched = self._watched[uid] = _Watched(address=address, awaited=awaited, healthy=healthy, busy=busy)
            self._ask_at(uid, watched, asyncio.get_running_loop().time())
        sooner = (busy and not watched.busy) or (awaited, healthy) != (watched.awaited, watched.healthy)
        watched.busy, watched.awaited, watched.healthy, watched.certificate = busy, awaited, healthy, certificate
        if sooner:
            watched.interval = BUSY_FIRST
            self._ask_at(uid, watched, min(watched.due, asyncio.get_running_loop().time() + BUSY_FIRST))
        return watched.probe

    def last(self, uid: str) -> SchedulerProbe | None:
        """Return what the cluster's scheduler said last."""
        watched = self._watched.get(uid)
        return watched.probe if watched else None

    def leave(self, uid: str) -> None:
        """Ask no more."""
        self._watched.pop(uid, None)

    async def run(self) -> None:
        """Ask until cancelled."""
        time = asyncio.get_running_loop().time
        try:
            while True:
                self._nudged.clear()
                free = [busy for busy, due in self._due.items() if due and len(self._asking[busy]) < _AT_ONCE[busy]]
                # Of several whose time has come, what is awaited goes first.
                waits = {busy: max(self._due[busy][0][0] - time(), 0) for busy in free}
                next_one = min(free, key=waits.__getitem__, default=None)
                if next_one is None or waits[next_one] > 0:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(None if next_one is None else waits[next_one]):
                            await self._nudged.wait()
                    continue
                due, _, uid = heapq.heappop(self._due[next_one])
                watched = self._watched.get(uid)
                if watched is None or watched.due != due:
                    continue
                asking = asyncio.create_task(self._ask(uid, watched), context=contextvars.Context())
                self._asking[next_one].add(asking)
                asking.add_done_callback(functools.partial(self._asked, next_one, uid, watched))
                await asyncio.sleep(_GAP)
        finally:
            for asking in itertools.chain(*self._asking.values()):
                asking.cancel()

    def _asked(self, busy: bool, uid: str, watched: _Watched, asking: asyncio.Task[None]) -> None:
        self._asking[busy].discard(asking)
        self._nudged.set()
        if not asking.cancelled() and (error := asking.exception()):  # nobody expected it, and it must not be the end
            logger.error("The scheduler at %s could not be asked", watched.address, exc_info=error)
            self._ask_at(uid, watched, asyncio.get_running_loop().time() + BUSY_LONGEST)

    def _ask_at(self, uid: str, watched: _Watched, when: float) -> None:
        watched.due = when
        heapq.heappush(self._due[watched.busy], (when, next(self._order), uid))
        self._nudged.set()

    async def _ask(self, uid: str, watched: _Watched) -> None:
        before, time, healthy = watched.probe, asyncio.get_running_loop().time, watched.healthy
        try:
            asked_at = self._now()
            identity, activity = await scheduler.state(
                watched.address, certificate=watched.certificate, deadline=DEADLINE
            )
            watched.answered_at = time()
            idle_since = _idle_since(activity, before, now=self._now())
            versions = await self._versions(watched, identity)
            probe = SchedulerProbe(
                address=watched.address,
                identity=identity,
                versions=versions and versions.with_clients(activity.client_versions if activity else ()),
                idle_since=idle_since,
                asked_at=asked_at,
            )
        except (SchedulerError, ValueError) as error:
            probe = SchedulerProbe(address=watched.address, error=str(error), was_healthy=healthy)
            if before and time() - watched.answered_at < PATIENCE:
                probe = dataclasses.replace(before, error=str(error))
        if self._watched.get(uid) is not watched:
            return
        changed = probe != before
        watched.probe = probe
        if changed:
            watched.interval = BUSY_FIRST
            self._wake(uid)
        still = max(STILL, len(self._watched) / MOST_STILL_A_SECOND)
        interval = watched.interval if watched.busy else still
        watched.interval = min(watched.interval * BUSY_FACTOR, BUSY_LONGEST)
        self._ask_at(uid, watched, time() + interval)

    async def _versions(self, watched: _Watched, identity: SchedulerIdentity) -> SeenVersions | None:
        """Return the versions of scheduler and workers: asked once a start, when all workers that run have joined."""
        seen = watched.probe.versions if watched.probe else None
        if seen and seen.still_hold(identity):
            return seen
        if asyncio.get_running_loop().time() < watched.versions_from or len(identity.hosts) < watched.awaited:
            return seen
        asked = to_ask(identity)
        try:
            cluster = await scheduler.versions(
                watched.address, workers=asked, certificate=watched.certificate, deadline=DEADLINE
            )
        except SchedulerError:
            # A worker that hangs keeps its scheduler waiting; who has joined must not wait for that each time.
            watched.versions_from = asyncio.get_running_loop().time() + PATIENCE
            return seen
        return SeenVersions(scheduler_id=identity.id, asked=asked, cluster=_shared(cluster))


@functools.lru_cache(maxsize=100)
def _shared(cluster: ClusterVersions) -> ClusterVersions:
    """Return the one copy of what many clusters have."""
    return cluster


def _idle_since(
    activity: Activity | None, before: SchedulerProbe | None, *, now: datetime.datetime
) -> datetime.datetime | None:
    """Return since when a scheduler idles: the same moment for as long as it says the same, near enough."""
    if activity is None or activity.clients or activity.idle_seconds is None:
        return None
    since = now - datetime.timedelta(seconds=activity.idle_seconds)
    same = before and before.idle_since and abs(since - before.idle_since) <= _SAME_IDLENESS
    return before.idle_since if before and same else since
