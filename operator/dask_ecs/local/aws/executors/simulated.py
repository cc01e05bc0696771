"""Containers without processes."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .container import ContainerRun


class SimulatedContainer:
    """Runs until it is told to end."""

    def __init__(self) -> None:
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        """Return the exit code, once it has ended."""
        return await asyncio.shield(self._code)

    def signal(self, number: int) -> None:
        """End as a process does that leaves signals to the kernel."""
        self.end(128 + number)

    async def check(self, command: list[str], *, timeout: float) -> bool:  # noqa: ASYNC109
        """Say that the health check succeeded."""
        return True

    def end(self, code: int) -> None:
        """End with this exit code."""
        if not self._code.done():
            self._code.set_result(code)


class SimulatedExecutor:
    """Starts simulated containers."""

    def __init__(self) -> None:
        self._containers: list[SimulatedContainer] = []

    async def start(self, run: ContainerRun) -> SimulatedContainer:
        """Start it."""
        container = SimulatedContainer()
        self._containers.append(container)
        return container

    async def close(self) -> None:
        """End all containers."""
        for container in self._containers:
            container.signal(signal.SIGKILL)
