"""A work queue: every key once at most, handled by one worker at a time, now or later."""

import asyncio
import contextvars
import enum
import heapq
from collections import deque
from collections.abc import Callable, Sequence


class Lane(enum.Enum):
    """What goes before what, for a worker that takes of several."""

    FIRST = enum.auto()
    URGENT = enum.auto()
    NORMAL = enum.auto()
    LATER = enum.auto()
    SETTLED = enum.auto()


# Of so many keys one is taken of those behind, however many others there are.
_SHARE_OF_LATER = 10

# So many times that are over may stay in the heap before it is made anew.
_FEW = 100


class WorkQueue:
    """Keys that want to be looked at, by lanes. A key added while it is handled is handled once more afterwards."""

    def __init__(self, *, lane_of: Callable[[str], Lane] = lambda _: Lane.NORMAL) -> None:
        self._lane_of = lane_of
        self._lanes: dict[Lane, deque[str]] = {lane: deque() for lane in Lane}
        self._turn = 0
        self._waiting: set[str] = set()  # in a lane, or to be put there when its handling ends
        self._handled: set[str] = set()
        self._due: dict[str, float] = {}  # by the loop's clock
        self._by_time: list[tuple[float, str]] = []  # a heap; it may hold what is not due any more
        self._timer: asyncio.TimerHandle | None = None  # one for all: there may be thousands that wait for their time
        self._arrival = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting - self._handled)

    def add(self, key: str, *, first: bool = False) -> None:
        """Have the key looked at as soon as a worker is free; `first`: before those that came earlier."""
        self._due.pop(key, None)
        if first and key not in self._handled:
            self._waiting.add(key)
            self._lanes[Lane.FIRST].append(key)
            self._arrival.set()
        elif key not in self._waiting:
            self._waiting.add(key)
            if key not in self._handled:
                self._put(key)

    def add_after(self, key: str, seconds: float) -> None:
        """Have the key looked at in some seconds, unless it is looked at before."""
        when = asyncio.get_running_loop().time() + max(seconds, 0)
        if key in self._waiting or self._due.get(key, when + 1) <= when:
            return
        self._due[key] = when
        heapq.heappush(self._by_time, (when, key))
        self._set_timer()

    async def get(self, lanes: Sequence[Lane] = tuple(Lane)) -> str:
        """Wait for a key in one of these lanes and take it; `done` has to follow."""
        while True:
            lane = self._next_lane(lanes)
            if not lane:
                self._arrival.clear()
                await self._arrival.wait()
            elif (key := lane.popleft()) in self._waiting and key not in self._handled:
                break  # else it was looked at before, out of its turn
        self._waiting.discard(key)
        self._handled.add(key)
        return key

    def done(self, key: str) -> None:
        """Say that the key has been looked at."""
        self._handled.discard(key)
        if key in self._waiting:
            self._put(key)

    def close(self) -> None:
        """Forget what was to be looked at later."""
        self._due.clear()
        self._set_timer()

    def _next_lane(self, lanes: Sequence[Lane]) -> deque[str] | None:
        filled = [self._lanes[lane] for lane in lanes if self._lanes[lane]]
        self._turn += 1
        return filled[-1 if self._turn % _SHARE_OF_LATER == 0 else 0] if filled else None

    def _put(self, key: str) -> None:
        self._lanes[self._lane_of(key)].append(key)
        self._arrival.set()

    def _set_timer(self) -> None:
        if len(self._by_time) > 2 * len(self._due) + _FEW:
            self._by_time = [(when, key) for key, when in self._due.items()]
            heapq.heapify(self._by_time)
        while self._by_time and not self._is_due(*self._by_time[0]):
            heapq.heappop(self._by_time)
        first = self._by_time[0][0] if self._by_time else None
        if self._timer and self._timer.when() == first:
            return
        if self._timer:
            self._timer.cancel()
        self._timer = None
        if first is not None:
            loop, nobody = asyncio.get_running_loop(), contextvars.Context()
            self._timer = loop.call_at(first, self._ring, first, context=nobody)

    def _ring(self, until: float) -> None:
        while self._by_time and self._by_time[0][0] <= until:
            when, key = heapq.heappop(self._by_time)
            if self._is_due(when, key):
                self.add(key)
        self._set_timer()

    def _is_due(self, when: float, key: str) -> bool:
        return self._due.get(key) == when
