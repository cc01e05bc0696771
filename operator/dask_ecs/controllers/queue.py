"""A work queue: every key once at most, handled by one worker at a time, now or later."""

import asyncio
from collections import deque
from collections.abc import Callable

# Of so many keys one is taken of those that may wait, however many others there are.
_SHARE_OF_LATER = 10


class WorkQueue:
    """Keys that want to be looked at. A key added while it is handled is handled once more afterwards.

    Keys that `is_urgent` are handed out before others, and those that `may_wait` after them, but for a share.
    """

    def __init__(
        self, *, is_urgent: Callable[[str], bool] = lambda _: False, may_wait: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._is_urgent = is_urgent
        self._may_wait = may_wait
        self._first: deque[str] = deque()
        self._urgent: deque[str] = deque()
        self._ready: deque[str] = deque()
        self._later: deque[str] = deque()
        self._turn = 0
        self._waiting: set[str] = set()  # in a lane, or to be put there when its handling ends
        self._handled: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._arrival = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting - self._handled)

    def add(self, key: str, *, first: bool = False) -> None:
        """Have the key looked at as soon as a worker is free; `first`: before those that came earlier."""
        self._cancel_timer(key)
        if first and key not in self._handled:
            self._waiting.add(key)
            self._first.append(key)
            self._arrival.set()
        elif key not in self._waiting:
            self._waiting.add(key)
            if key not in self._handled:
                self._put(key)

    def add_after(self, key: str, seconds: float) -> None:
        """Have the key looked at in some seconds, unless it is looked at before."""
        loop = asyncio.get_running_loop()
        when = loop.time() + max(seconds, 0)
        timer = self._timers.get(key)
        if key in self._waiting or (timer and timer.when() <= when):
            return
        self._cancel_timer(key)
        self._timers[key] = loop.call_at(when, self.add, key)

    async def get(self, *, urgent_only: bool = False) -> str:
        """Wait for a key and take it; `done` has to follow."""
        while True:
            lane = self._urgent if urgent_only else self._next_lane()
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
        for key in list(self._timers):
            self._cancel_timer(key)

    def _next_lane(self) -> deque[str]:
        self._turn += 1
        if self._later and self._turn % _SHARE_OF_LATER == 0:
            return self._later
        return self._first or self._urgent or self._ready or self._later

    def _put(self, key: str) -> None:
        lane = self._urgent if self._is_urgent(key) else self._later if self._may_wait(key) else self._ready
        lane.append(key)
        self._arrival.set()

    def _cancel_timer(self, key: str) -> None:
        if timer := self._timers.pop(key, None):
            timer.cancel()
