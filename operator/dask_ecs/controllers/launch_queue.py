"""Who may call RunTask next: quotas are waited for in a fair order that a user can see, not by failing calls."""

from __future__ import annotations

import asyncio
import bisect
import dataclasses
import math
import time
from collections.abc import Callable

from dask_ecs.aws.quotas import Quotas
from dask_ecs.plan.observed import Role
from dask_ecs.plan.quota import Capacity

# Seconds within which a woken one has to come for its tokens.
COLLECT_WITHIN = 30.0

# Seconds. Schedulers go first, for each is one task and no worker is of use without: a thousand of them are through in
# less than a minute. Workers that have waited longer than that by far take turns with them, so that nobody who makes
# clusters without end keeps the others' workers from starting.
PATIENCE = 120.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Granted:
    """The tokens are taken: call RunTask for `count` tasks now, or `LaunchQueue.give_back` this."""

    region: str
    capacity: Capacity
    count: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Waiting:
    """`position` is 1 for who is next; `eta_seconds` supposes that nobody comes in between."""

    position: int
    eta_seconds: float


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class _Entry:
    uid: str
    namespace: str
    region: str
    role: Role
    capacity: Capacity
    count: int
    asked_at: float
    place: tuple[float, int] = (0.0, 0)
    collect_by: float | None = None  # None: it waits


class _Line:
    """The launches of one role that wait for the same tokens, in their order.

    Start-time fair queueing (Goyal, Vin, Cheng: "Start-time Fair Queuing", 1997): the tasks of a namespace lie one
    after the other on an axis of its own that starts at where the line has come to, and who starts first goes first. So
    namespaces that wait get as many tasks each, not as many calls; within one it is first come, first served.
    """

    def __init__(self) -> None:
        self._places: list[tuple[float, int]] = []
        self._entries: dict[tuple[float, int], _Entry] = {}
        self._ends: dict[str, float] = {}  # of each namespace's axis
        self._reached = 0.0
        self._arrivals = 0
        self.tasks = 0

    def __len__(self) -> int:
        return len(self._places)

    @property
    def first(self) -> _Entry:
        return self._entries[self._places[0]]

    def add(self, entry: _Entry) -> None:
        start = max(self._reached, self._ends.get(entry.namespace, 0.0))
        self._ends[entry.namespace] = start + entry.count
        self._put(entry, start)

    def add_first(self, entry: _Entry) -> None:
        """Have it go first, as it had its turn already."""
        self._ends.setdefault(entry.namespace, self._reached)
        self._put(entry, -math.inf)

    def _put(self, entry: _Entry, start: float) -> None:
        self._arrivals += 1
        entry.place = (start, self._arrivals)
        bisect.insort(self._places, entry.place)
        self._entries[entry.place] = entry
        self.tasks += entry.count

    def recount(self, entry: _Entry, count: int) -> None:
        self._ends[entry.namespace] += count - entry.count
        self.tasks += count - entry.count
        entry.count = count

    def pop(self) -> _Entry:
        entry = self.first
        self._reached = max(self._reached, entry.place[0])
        self._take_out(entry, index=0)
        return entry

    def leave(self, entry: _Entry) -> None:
        self._ends[entry.namespace] -= entry.count
        self._take_out(entry, index=self.ahead_of(entry))

    def ahead_of(self, entry: _Entry) -> int:
        """Return how many are before it."""
        return bisect.bisect_left(self._places, entry.place)

    def tasks_before(self, index: int) -> float:
        """Return about how many tasks the first so many launches are: they count as the line's average."""
        return self.tasks * index / max(len(self), 1)

    def _take_out(self, entry: _Entry, *, index: int) -> None:
        del self._places[index], self._entries[entry.place]
        self.tasks -= entry.count
        if not self._places:
            self._ends.clear()
            self._reached = 0.0


class _Lane:
    """All that waits in one region for tasks of one capacity."""

    def __init__(self) -> None:
        self.lines: dict[Role, _Line] = {"scheduler": _Line(), "worker": _Line()}
        self.last_role: Role = "worker"
        self.last_turn = 0

    def next(self, *, now: float) -> _Entry | None:
        schedulers, workers = self.lines["scheduler"], self.lines["worker"]
        if not schedulers or not workers:
            line = schedulers or workers
            return line.first if line else None
        impatient = workers.first.asked_at + PATIENCE <= now
        return workers.first if impatient and self.last_role == "scheduler" else schedulers.first


class _Region:
    """The lanes of a region, and who has been woken and has not come yet."""

    def __init__(self, quotas: Quotas) -> None:
        self.quotas = quotas
        self.lanes: dict[Capacity, _Lane] = {"FARGATE": _Lane(), "FARGATE_SPOT": _Lane(), "EC2": _Lane()}
        self.granted: dict[tuple[str, Role], _Entry] = {}  # oldest first
        self.turns = 0
        self.timer: asyncio.TimerHandle | None = None

    def candidates(self, *, now: float) -> list[_Entry]:
        """Return who is next in each lane: schedulers first, then the lane whose last turn is longest ago."""
        found = [(entry, lane) for lane in self.lanes.values() if (entry := lane.next(now=now))]
        found.sort(key=lambda pair: (pair[0].role == "worker", pair[1].last_turn))
        return [entry for entry, _ in found]

    def grant_next(self, *, now: float) -> _Entry | None:
        """Take the tokens of who is next and can be served; None if nobody can."""
        for entry in self.candidates(now=now):
            if self.quotas.take_launch(entry.capacity, tasks=entry.count):
                lane = self.lanes[entry.capacity]
                lane.lines[entry.role].pop()
                self.turns += 1
                lane.last_role, lane.last_turn = entry.role, self.turns
                entry.collect_by = now + COLLECT_WITHIN
                self.granted[entry.uid, entry.role] = entry
                return entry
        return None

    def seconds_until_turn(self, *, now: float) -> float | None:
        """Return when something is to be done, None if nobody waits and none is to collect."""
        waits = [
            self.quotas.seconds_until_launch(entry.capacity, tasks=entry.count) for entry in self.candidates(now=now)
        ]
        oldest = next(iter(self.granted.values()), None)
        if oldest and oldest.collect_by is not None:
            waits.append(oldest.collect_by - now)
        return max(min(waits), 0.0) if waits else None


class LaunchQueue:
    """The launches that wait for their quota, by region.

    One place for each object and role: a launch is up to ten tasks, and the next is asked for when one is through.
    """

    def __init__(
        self,
        *,
        quotas_of: Callable[[str], Quotas],
        wake: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quotas_of = quotas_of
        self._wake = wake
        self._clock = clock
        self._regions: dict[str, _Region] = {}
        self._entries: dict[tuple[str, Role], _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def ask(
        self, uid: str, namespace: str, *, region: str, role: Role, count: int, capacity: Capacity
    ) -> Granted | Waiting:
        """Ask to run `count` tasks, 1 to 10; asking again keeps the place, and changes the count.

        Whoever waits is woken when it is granted, and has to ask again within half a minute.
        The position is exact: of a worker, all waiting schedulers are before it. It grows only when one comes that goes
        first: a scheduler, or one of a namespace that has had less. The time is an estimate from the rates of now; what
        waits for other capacity, which shares RunTask's rate, is left out.
        """
        entry = self._entries.get((uid, role))
        if entry and (entry.region, entry.capacity, entry.namespace) != (region, capacity, namespace):
            self._withdraw(entry)
            self._turn(entry.region)
            entry = None
        if entry is None:
            entry = _Entry(
                uid=uid,
                namespace=namespace,
                region=region,
                role=role,
                capacity=capacity,
                count=count,
                asked_at=self._clock(),
            )
            self._entries[uid, role] = entry
            self._line_of(entry).add(entry)
        elif entry.collect_by is None:
            self._line_of(entry).recount(entry, count)
        elif entry.count != count:
            self._change(entry, count)
        granted = [] if entry.collect_by else self._grant(region)
        for other in granted:
            if other is not entry:
                self._wake(other.uid)
        if entry.collect_by is None:
            return self._waiting(entry)
        del self._entries[uid, role], self._region(region).granted[uid, role]
        self._turn(region)
        return Granted(region=region, capacity=capacity, count=entry.count)

    def give_back(self, granted: Granted) -> None:
        """Say that what was granted is not run."""
        self._region(granted.region).quotas.give_back_launch(granted.capacity, tasks=granted.count)
        self._turn(granted.region)

    def withdraw(self, uid: str) -> None:
        """Say that an object runs nothing any more, whether it waits or was woken."""
        roles: tuple[Role, ...] = ("scheduler", "worker")
        for role in roles:
            if entry := self._entries.get((uid, role)):
                self._withdraw(entry)
                self._turn(entry.region)

    async def close(self) -> None:
        """Wake nobody any more."""
        for region in self._regions.values():
            if region.timer:
                region.timer.cancel()
        self._regions.clear()
        self._entries.clear()

    def _region(self, name: str) -> _Region:
        if name not in self._regions:
            self._regions[name] = _Region(self._quotas_of(name))
        return self._regions[name]

    def _line_of(self, entry: _Entry) -> _Line:
        return self._region(entry.region).lanes[entry.capacity].lines[entry.role]

    def _turn(self, name: str) -> None:
        for entry in self._grant(name):
            self._wake(entry.uid)

    def _grant(self, name: str) -> list[_Entry]:
        """Give out the tokens that are there, and see to it that somebody looks again when there are more."""
        region, now = self._region(name), self._clock()
        for entry in list(region.granted.values()):
            if entry.collect_by is None or entry.collect_by > now:
                break
            self._withdraw(entry)
        granted = []
        while next_one := region.grant_next(now=now):
            granted.append(next_one)
        if region.timer:
            region.timer.cancel()
        wait = region.seconds_until_turn(now=now)
        region.timer = None if wait is None else asyncio.get_running_loop().call_later(wait, self._turn, name)
        return granted

    def _change(self, entry: _Entry, count: int) -> None:
        """Give back what of a grant is not wanted any more; have one that is too small wait for more, before others."""
        region = self._region(entry.region)
        if count < entry.count:
            region.quotas.give_back_tasks(entry.capacity, tasks=entry.count - count)
            entry.count = count
            return
        region.quotas.give_back_launch(entry.capacity, tasks=entry.count)
        del region.granted[entry.uid, entry.role]
        entry.count, entry.collect_by = count, None
        self._line_of(entry).add_first(entry)

    def _withdraw(self, entry: _Entry) -> None:
        region = self._region(entry.region)
        del self._entries[entry.uid, entry.role]
        if entry.collect_by is None:
            self._line_of(entry).leave(entry)
        else:
            del region.granted[entry.uid, entry.role]
            region.quotas.give_back_launch(entry.capacity, tasks=entry.count)

    def _waiting(self, entry: _Entry) -> Waiting:
        region = self._region(entry.region)
        lines = region.lanes[entry.capacity].lines
        ahead = lines[entry.role].ahead_of(entry)
        tasks = lines[entry.role].tasks_before(ahead) + entry.count
        if entry.role == "worker":
            ahead += len(lines["scheduler"])
            tasks += lines["scheduler"].tasks
        eta = region.quotas.seconds_to_launch(entry.capacity, calls=ahead + 1, tasks=tasks)
        return Waiting(position=ahead + 1, eta_seconds=eta)
