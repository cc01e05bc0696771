"""How a run is made: in full or in short, with or without peers, in stacks of its own or in a given one."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from bench import scene
from bench.figure import Figure
from bench.scene import Scene, Settings

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bench:
    """One run of the benchmark.

    ``folder`` is where the row writes, ``peers`` where the peer's environment is made; without it there is no peer. A
    scene that is ``shared`` by all rows has one operator for them all.
    """

    folder: Path
    peers: Path | None = None
    short: bool = False
    shared: Scene | None = None

    def size(self, full: T, *, short: T) -> T:
        """Return the number for this run."""
        return short if self.short else full

    @contextlib.asynccontextmanager
    async def scene(self, settings: Settings) -> AsyncIterator[Scene]:
        """Set a scene of its own, or the shared one, which is left without DaskClusters."""
        if self.shared:
            scene.slow_down(self.shared.stack, settings)
            yield self.shared
            await self.shared.clear()
            return
        async with scene.opened(self.folder, settings) as own:
            yield own


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """What is measured in one go: figures, within a deadline in seconds."""

    name: str
    measure: Callable[[Bench], Awaitable[list[Figure]]]
    deadline: float
