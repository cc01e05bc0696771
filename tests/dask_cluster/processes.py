"""Real schedulers and workers on loopback, as the operator's commands start them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import signal
import socket
import sys
from typing import TYPE_CHECKING, TypeVar

from dask_ecs.dask.errors import SchedulerUnreachableError
from dask_ecs.dask.scheduler import identity
from dask_ecs.plan.commands import scheduler_command

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from dask_ecs.plan.scheduler import SchedulerIdentity

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Process:
    child: asyncio.subprocess.Process
    log: pathlib.Path

    def signal_itself(self, number: signal.Signals) -> None:
        os.kill(self.child.pid, number)

    def signal_its_group(self, number: signal.Signals) -> None:
        """As `tini -g`, with which Dask's image starts, does."""
        os.killpg(self.child.pid, number)

    async def exit_code(self, *, within: float = 60) -> int:
        async with asyncio.timeout(within):
            return await self.child.wait()

    async def logs(self, text: str, *, within: float = 60) -> None:
        async def logged() -> bool:
            return text in self.log.read_text()

        await eventually(logged, within=within)


@contextlib.asynccontextmanager
async def running(
    command: Sequence[str], *, log: pathlib.Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PATH": path, **(env or {})},
            start_new_session=True,
        )
    try:
        yield Process(child, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()


@contextlib.asynccontextmanager
async def running_scheduler(
    tmp_path: pathlib.Path, *, address: str | None = None
) -> AsyncIterator[tuple[Process, str]]:
    """Give a scheduler that listens, and its address."""
    address = address or free_address()
    command = scheduler_command(
        port=int(address.rsplit(":", 1)[1]), dashboard_port=0, extra_args=["--host", "127.0.0.1"]
    )
    async with running(command, log=tmp_path / "scheduler.log") as process:
        await eventually(lambda: identity(address))
        yield process, address


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"


async def eventually(ask: Callable[[], Awaitable[T]], *, within: float = 60) -> T:
    """Give the first answer that is true."""
    async with asyncio.timeout(within):
        while True:
            with contextlib.suppress(SchedulerUnreachableError):
                if answer := await ask():
                    return answer
            await asyncio.sleep(0.05)


async def joined(address: str, *, workers: int, within: float = 60) -> SchedulerIdentity:
    """Wait until this many workers have joined and are ready: a scheduler lists them a moment before."""

    async def complete() -> SchedulerIdentity | None:
        seen = await identity(address)
        return seen if [worker.status for worker in seen.workers] == ["running"] * workers else None

    seen = await eventually(complete, within=within)
    assert seen
    return seen
