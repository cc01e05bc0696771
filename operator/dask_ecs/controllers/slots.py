"""How many objects are looked at side by side: who waits for AWS's rates, or for others, does not count."""

import asyncio
import contextlib
import contextvars
from collections.abc import Iterator


class Slots:
    """So many that work at once. It is no lock: who goes on after a wait goes on at once, whatever others do."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._working = 0
        self._freed = asyncio.Event()

    async def take(self) -> "Slot":
        """Wait until one is free, and take it."""
        while self._working >= self._limit:
            self._freed.clear()
            await self._freed.wait()
        self._working += 1
        return Slot(self)

    def _change(self, by: int) -> None:
        self._working += by
        if self._working < self._limit:
            self._freed.set()


class Slot:
    """One of them, for one object: idle as long as something of what it does waits."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._waits = 0
        self._is_taken = True

    def give_back(self) -> None:
        """Say that the object has been looked at, whatever of it still waits."""
        if not self._waits:
            self._slots._change(-1)
        self._is_taken = False

    @contextlib.contextmanager
    def idle(self) -> Iterator[None]:
        """Let others work for as long as this lasts."""
        if not self._waits and self._is_taken:
            self._slots._change(-1)
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1
            if not self._waits and self._is_taken:
                self._slots._change(1)


current: contextvars.ContextVar[Slot | None] = contextvars.ContextVar("slot", default=None)


@contextlib.contextmanager
def idle() -> Iterator[None]:
    """Let others work while what runs here waits, if it has a slot at all."""
    slot = current.get()
    with slot.idle() if slot else contextlib.nullcontext():
        yield
