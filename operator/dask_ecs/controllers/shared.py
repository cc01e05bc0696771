"""What is done for many clusters is done once: answers known to all, and one call in flight at a time."""

import asyncio
import collections
import weakref
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from dask_ecs.controllers import slots
from dask_ecs.plan.action import Action


class SharedAnswers:
    """What came of shared actions, by region and fingerprint."""

    def __init__(self) -> None:
        self._answers: collections.defaultdict[str, dict[str, Any]] = collections.defaultdict(dict)
        self._of_thing: collections.defaultdict[tuple[str, str], set[str]] = collections.defaultdict(set)
        self._flights: dict[tuple[str, str], asyncio.Task[Any]] = {}
        self._locks: weakref.WeakValueDictionary[tuple[str, str], asyncio.Lock] = weakref.WeakValueDictionary()

    def of(self, region: str) -> Mapping[str, Any]:
        """Return the answers by fingerprint."""
        return self._answers[region]

    async def get(self, region: str, action: Action[Any], do: Callable[[], Awaitable[Any]]) -> Any:
        """Return what came of an action, or comes: whoever asks while it is being done waits for the same answer.

        Raises:
            Exception: whatever `do` raises, to all who wait.

        """
        key = (region, action.fingerprint)
        if (answer := self._answers[region].get(action.fingerprint)) is not None:
            return answer
        if key not in self._flights:
            flight = asyncio.ensure_future(self._fly(region, action, do))
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        with slots.idle():
            return await asyncio.shield(self._flights[key])

    def lock(self, region: str, thing: str) -> asyncio.Lock:
        """Return what keeps a thing from being made and deleted at once."""
        return self._locks.setdefault((region, thing), asyncio.Lock())

    def forget(self, region: str, *, fingerprints: Iterable[str] = (), thing: str | None = None) -> None:
        """Have what these stand for, or whatever was done to a thing, done again when next wanted."""
        of_thing = self._of_thing.pop((region, thing), set()) if thing else set()
        for fingerprint in {*fingerprints, *of_thing}:
            self._answers[region].pop(fingerprint, None)

    async def _fly(self, region: str, action: Action[Any], do: Callable[[], Awaitable[Any]]) -> Any:
        slots.current.set(None)  # it is done for all who wait, and they are idle
        if action.thing is None:
            answer = await do()
        else:
            async with self.lock(region, action.thing):
                answer = await do()
            self._of_thing[region, action.thing].add(action.fingerprint)
        self._answers[region][action.fingerprint] = answer
        return answer
