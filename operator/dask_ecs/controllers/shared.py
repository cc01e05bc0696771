"""What is done for many clusters is done once: answers known to all, and one call in flight at a time."""

import asyncio
import collections
import weakref
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from dask_ecs.controllers import slots
from dask_ecs.plan.action import Action

_NEVER = ("", -float("inf"))


class SharedAnswers:
    """What came of shared actions, by region and fingerprint."""

    def __init__(self) -> None:
        self._answers: collections.defaultdict[str, dict[str, Any]] = collections.defaultdict(dict)
        self._of_thing: collections.defaultdict[tuple[str, str], set[str]] = collections.defaultdict(set)
        self._done: dict[tuple[str, str, str], tuple[str, float]] = {}  # last, as fingerprint and moment
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
        if (answer := self._answers[region].get(action.fingerprint)) is not None:
            return answer
        return await self._join(region, action, do)

    async def again(
        self, region: str, action: Action[Any], do: Callable[[], Awaitable[Any]], *, older_than: float
    ) -> None:
        """Do once more what was done last before this moment of the loop's clock; the answer stays known meanwhile.

        Raises:
            Exception: as `get`.

        """
        if self._done.get(_what(region, action), _NEVER)[1] < older_than:
            before = self._answers[region].get(action.fingerprint)
            answer = await self._join(region, action, do)
            if before not in (None, answer) and action.thing:
                # It was made anew, which all have to learn who asked for it in other words. What else was done to it
                # has to be done again.
                for fingerprint in self._of_thing[region, action.thing]:
                    if self._answers[region].pop(fingerprint, None) in (before, answer):
                        self._answers[region][fingerprint] = answer

    async def _join(self, region: str, action: Action[Any], do: Callable[[], Awaitable[Any]]) -> Any:
        key = (region, action.fingerprint)
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
        for what in [what for what in self._done if thing and what[0] == region and what[2] == thing]:
            del self._done[what]

    async def _fly(self, region: str, action: Action[Any], do: Callable[[], Awaitable[Any]]) -> Any:
        slots.current.set(None)  # it is done for all who wait, and they are idle
        if action.thing is None:
            answer = await do()
        else:
            async with self.lock(region, action.thing):
                answer = await do()
            self._of_thing[region, action.thing].add(action.fingerprint)
        what = _what(region, action)
        if action.revises:
            self._answers[region].pop(self._done.get(what, _NEVER)[0], None)
        self._answers[region][action.fingerprint] = answer
        self._done[what] = (action.fingerprint, asyncio.get_running_loop().time())
        return answer


def _what(region: str, action: Action[Any]) -> tuple[str, str, str]:
    """Return what is the same for all actions that look at the same thing."""
    return region, type(action).__name__, action.thing or action.fingerprint
