"""Whose turn it is where many wait for the same rate."""

import asyncio
import contextlib
import contextvars
import heapq
import itertools
from collections.abc import AsyncIterator

tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="")
"""On whose behalf calls are made: a namespace."""


class Turns:
    """One at a time: what frees something first, then the tenants by turns, each first come, first served."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[tuple[bool, int, int, asyncio.Future[None]]] = []
        self._rounds: dict[str, int] = {}  # of each tenant: the round in which the last of its calls has its turn
        self._round = 0
        self._arrivals = itertools.count()

    @contextlib.asynccontextmanager
    async def turn(self, *, first: bool = False) -> AsyncIterator[None]:
        """Wait for a turn and have it; with `first` before all others."""
        if self._taken:
            await self._wait(first=first)
        self._taken = True
        try:
            yield
        finally:
            self._next()

    async def _wait(self, *, first: bool) -> None:
        who = tenant.get()
        self._rounds[who] = max(self._round, self._rounds.get(who, 0)) + 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not first, self._rounds[who], next(self._arrivals), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()
            raise

    def _next(self) -> None:
        while self._waiting:
            _, self._round, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False
        self._rounds.clear()
        self._round = 0
