from __future__ import annotations

import contextlib
import pathlib
import signal
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from distributed import Client

from dask_cluster.processes import Process, eventually, free_address, joined, running, running_scheduler
from dask_ecs.plan.commands import worker_command, worker_environment
from dask_ecs.plan.worker_preload import GAVE_UP, worker_preload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TASKS = 20


def command(address: str, *extra_args: str, preload: str = "") -> list[str]:
    return worker_command(
        scheduler_address=address,
        threads=1,
        memory_mib=512,
        preload=preload or worker_preload(),
        extra_args=extra_args,
    )


async def compute(client: Client, runs: pathlib.Path) -> object:
    """Compute once on all workers, and have each execution leave a line behind."""

    def task(number: int) -> int:
        with runs.open("a") as file:
            file.write(f"{number}\n")
        return number

    futures = client.map(task, range(TASKS), pure=False)
    assert sum(await client.gather(futures)) == sum(range(TASKS))
    return futures


@contextlib.asynccontextmanager
async def client_of(address: str) -> AsyncIterator[Client]:
    async with Client(address, asynchronous=True, timeout=20) as client:
        yield client


async def test_a_worker_that_is_earlier_than_its_scheduler_joins_as_soon_as_that_listens(
    tmp_path: pathlib.Path,
) -> None:
    # What Dask by itself waits, shortened from 30 s so that the test need not outlast that.
    impatient = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"}
    address = free_address()
    without = ["dask", "worker", address]
    async with (
        running(command(address), log=tmp_path / "worker.log", env=impatient) as worker,
        running(without, log=tmp_path / "without.log", env=impatient) as worker_without,
    ):
        assert await worker_without.exit_code() == 1
        await worker.logs("Run preload setup")
        assert worker.child.returncode is None
        async with running_scheduler(tmp_path, address=address):
            listening = time.monotonic()
            await joined(address, workers=1)
            # 2 s on an idle machine: half a second between two looks, and the worker's process has to start.
            assert time.monotonic() - listening < 30


async def test_a_worker_whose_scheduler_never_comes_gives_up_and_says_why(tmp_path: pathlib.Path) -> None:
    address = free_address()
    async with running(command(address, preload=worker_preload(wait_seconds=1)), log=tmp_path / "log") as worker:
        assert await worker.exit_code() == GAVE_UP
        assert f"No Dask scheduler at {address} within 1 s" in worker.log.read_text()


async def test_a_worker_that_waits_for_its_scheduler_leaves_at_once_on_sigterm(tmp_path: pathlib.Path) -> None:
    async with running(command(free_address()), log=tmp_path / "log") as worker:
        await worker.logs("Run preload setup")
        worker.signal_itself(signal.SIGTERM)
        assert await worker.exit_code(within=15) == 0


@pytest.mark.parametrize("send", [Process.signal_itself, Process.signal_its_group])
@pytest.mark.parametrize("processes", [1, 2])
async def test_on_sigterm_data_is_moved_and_nothing_is_computed_again(
    tmp_path: pathlib.Path, send: object, processes: int
) -> None:
    async with running_scheduler(tmp_path) as (_, address):
        many = command(address, "--nworkers", str(processes))
        async with (
            running(many, log=tmp_path / "leaves.log") as leaves,
            running(many, log=tmp_path / "stays.log"),
            client_of(address) as client,
        ):
            await joined(address, workers=2 * processes)
            futures = await compute(client, tmp_path / "runs")
            held = await client.has_what()
            assert all(held.values())

            send(leaves, signal.SIGTERM)  # type: ignore[operator]
            assert await leaves.exit_code() == 0

            await joined(address, workers=processes)
            assert sum(await client.gather(futures)) == sum(range(TASKS))
            assert len((tmp_path / "runs").read_text().splitlines()) == TASKS


async def test_a_worker_that_can_not_move_its_data_leaves_in_time(tmp_path: pathlib.Path) -> None:
    async with running_scheduler(tmp_path) as (scheduler, address):
        hasty = command(address, preload=worker_preload(leave_seconds=1))
        async with running(hasty, log=tmp_path / "log") as worker:
            await joined(address, workers=1)
            scheduler.signal_itself(signal.SIGSTOP)
            worker.signal_itself(signal.SIGTERM)
            assert await worker.exit_code(within=15) == 0
            assert "Leaving with data that was not moved: TimeoutError" in worker.log.read_text()


async def test_a_worker_whose_scheduler_goes_while_it_joins_leaves_at_once_on_sigterm(tmp_path: pathlib.Path) -> None:
    async with (
        running_scheduler(tmp_path) as (scheduler, address),
        running(command(address), log=tmp_path / "log") as worker,
    ):
        await worker.logs("Start Nanny at")
        scheduler.signal_itself(signal.SIGKILL)
        await scheduler.exit_code()
        worker.signal_itself(signal.SIGTERM)
        assert await worker.exit_code(within=5) == 128 + signal.SIGTERM


async def test_the_last_worker_leaves_although_nobody_takes_its_data(tmp_path: pathlib.Path) -> None:
    async with (
        running_scheduler(tmp_path) as (_, address),
        running(command(address), log=tmp_path / "log") as worker,
        client_of(address) as client,
    ):
        await joined(address, workers=1)
        kept = await compute(client, tmp_path / "runs")
        worker.signal_itself(signal.SIGTERM)
        assert await worker.exit_code(within=15) == 0
        assert "Leaving with data that was not moved: {'tcp://" in worker.log.read_text()
        del kept


async def test_a_second_sigterm_does_not_wait_for_the_data(tmp_path: pathlib.Path) -> None:
    async with (
        running_scheduler(tmp_path) as (scheduler, address),
        running(command(address), log=tmp_path / "log") as worker,
    ):
        await joined(address, workers=1)
        scheduler.signal_itself(signal.SIGSTOP)
        worker.signal_itself(signal.SIGTERM)
        with pytest.raises(TimeoutError):
            await worker.exit_code(within=1)
        worker.signal_itself(signal.SIGTERM)
        assert await worker.exit_code(within=15) == 0


async def test_a_worker_ends_by_itself_when_its_scheduler_is_killed(tmp_path: pathlib.Path) -> None:
    async with (
        running_scheduler(tmp_path) as (scheduler, address),
        running(command(address), log=tmp_path / "log") as worker,
    ):
        await joined(address, workers=1)
        async with client_of(address) as client:
            await eventually(lambda: all_nannies_run(client))
        scheduler.signal_itself(signal.SIGKILL)
        assert await worker.exit_code(within=30) == 0


async def all_nannies_run(client: Client) -> bool:
    """Tell whether each nanny knows that its worker has joined, which it hears after the scheduler."""
    states = await client.run(lambda dask_worker: dask_worker.status.name, nanny=True)
    return set(states.values()) == {"running"}


async def test_a_worker_that_is_started_again_without_its_scheduler_ends_by_itself(tmp_path: pathlib.Path) -> None:
    async with (
        running_scheduler(tmp_path) as (scheduler, address),
        running(command(address, "--death-timeout", "10"), log=tmp_path / "log") as nanny,
    ):
        await joined(address, workers=1)
        async with client_of(address) as client:
            await eventually(lambda: all_nannies_run(client))
        worker = max(psutil.Process(nanny.child.pid).children(), key=lambda child: child.memory_info().rss)
        # The nanny first hears of the worker's end, and starts another.
        scheduler.signal_itself(signal.SIGSTOP)
        worker.kill()
        await nanny.logs("Unregistering worker")
        scheduler.signal_itself(signal.SIGKILL)
        assert await nanny.exit_code(within=60) == 0


# Nannies as `dask-cuda-worker` makes them: several in one process, their preload from Dask's configuration, and
# signals waited for as `dask worker` does.
LIKE_DASK_CUDA = textwrap.dedent("""
    import asyncio, sys
    from distributed import Nanny
    from distributed._signals import wait_for_signals

    async def main():
        async def leave_on_signal():
            await wait_for_signals()
            await asyncio.gather(*(nanny.close(timeout=10) for nanny in nannies))

        async def work():
            await asyncio.gather(*nannies)
            await asyncio.gather(*(nanny.finished() for nanny in nannies))

        nannies = [Nanny(sys.argv[1], nthreads=1, preload=[], preload_argv=["--an-argument"]) for _ in range(2)]
        both = asyncio.create_task(leave_on_signal()), asyncio.create_task(work())
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)

    if __name__ == "__main__":
        asyncio.run(main())
""")


async def test_all_nannies_of_a_gpu_worker_wait_and_leave_together(tmp_path: pathlib.Path) -> None:
    address = free_address()
    program = tmp_path / "like_dask_cuda.py"
    program.write_text(LIKE_DASK_CUDA)
    environment = worker_environment(gpu=2, preload=worker_preload())
    async with running([sys.executable, str(program), address], log=tmp_path / "leaves.log", env=environment) as leaves:
        await leaves.logs("Run preload setup")
        async with (
            running_scheduler(tmp_path, address=address),
            running(command(address), log=tmp_path / "stays.log"),
            client_of(address) as client,
        ):
            await joined(address, workers=3)
            futures = await compute(client, tmp_path / "runs")
            leaves.signal_its_group(signal.SIGTERM)
            assert await leaves.exit_code() == 0
            await joined(address, workers=1)
            assert sum(await client.gather(futures)) == sum(range(TASKS))
            assert len((tmp_path / "runs").read_text().splitlines()) == TASKS
