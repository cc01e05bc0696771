"""Containers without processes, for thousands of tasks: what they would do as Dask is simulated, nothing else."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from .simulated_dask import SimulatedScheduler, SimulatedWorker, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from .container import ContainerRun


class SimulatedContainer:
    """Runs until it is told to end."""

    def __init__(self, at_end: Callable[[], None]) -> None:
        self._at_end = at_end
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        """Return the exit code, once it has ended."""
        return await asyncio.shield(self._code)

    def signal(self, number: int) -> None:
        """End, as Dask's programs do: by SIGTERM in order, else by the kernel."""
        self.end(0 if number == signal.SIGTERM else 128 + number)

    async def check(self, command: list[str], *, timeout: float) -> bool:  # noqa: ASYNC109
        """Say that the health check succeeded."""
        return True

    def end(self, code: int) -> None:
        """End with this exit code."""
        if not self._code.done():
            self._at_end()
            self._code.set_result(code)


class SimulatedExecutor:
    """Starts simulated schedulers, which listen on their tasks' addresses, and simulated workers, which do not."""

    def __init__(self) -> None:
        self._containers: set[SimulatedContainer] = set()
        self._workers: dict[str, dict[str, SimulatedWorker]] = {}
        """By their scheduler's address, then by task."""

    async def start(self, run: ContainerRun) -> SimulatedContainer:
        """Start what the command asks for; a command that is not Dask's just runs until it is stopped."""
        program = parse(run.command, address=run.address, environment=run.environment)
        if isinstance(program, SimulatedScheduler):
            return await self._start_scheduler(program)
        if isinstance(program, SimulatedWorker):
            return self._start_worker(program, run.task_id)
        return self._container(lambda: None)

    async def close(self) -> None:
        """End all containers."""
        for container in list(self._containers):
            container.end(128 + signal.SIGKILL)

    async def _start_scheduler(self, scheduler: SimulatedScheduler) -> SimulatedContainer:
        container = self._container(scheduler.stop)

        def terminate() -> None:
            container.end(0)
            for worker in list(self._workers.get(scheduler.address, {}).values()):
                worker.retire()

        await scheduler.listen(
            workers=lambda: list(self._workers.get(scheduler.address, {}).values()), terminate=terminate
        )
        return container

    def _start_worker(self, worker: SimulatedWorker, task_id: str) -> SimulatedContainer:
        colleagues = self._workers.setdefault(worker.scheduler, {})
        colleagues[task_id] = worker

        def leave() -> None:
            colleagues.pop(task_id, None)
            if not colleagues and self._workers.get(worker.scheduler) is colleagues:
                del self._workers[worker.scheduler]

        container = self._container(leave)
        worker.retire = lambda: container.end(0)
        return container

    def _container(self, at_end: Callable[[], None]) -> SimulatedContainer:
        def ended() -> None:
            at_end()
            self._containers.discard(container)

        container = SimulatedContainer(ended)
        self._containers.add(container)
        return container
