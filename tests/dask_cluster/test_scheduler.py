from __future__ import annotations

import asyncio
import contextlib
import pathlib
import urllib.parse
from typing import TYPE_CHECKING

import pytest
from distributed import Client, worker_client

from dask_cluster.processes import Process, eventually, free_address, joined, running, running_scheduler
from dask_ecs.dask import wire
from dask_ecs.dask.errors import SchedulerRefusedError, SchedulerUnreachableError
from dask_ecs.dask.scheduler import identity, retire_workers, terminate, workers_to_close
from dask_ecs.plan.commands import worker_command
from dask_ecs.plan.worker_preload import worker_preload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")


@contextlib.asynccontextmanager
async def running_workers(
    address: str, tmp_path: pathlib.Path, *, host: str, processes: int = 1
) -> AsyncIterator[Process]:
    """Give a task's worker processes on an address of their own."""
    command = worker_command(
        scheduler_address=address,
        threads=3,
        memory_mib=512,
        preload=worker_preload(),
        extra_args=["--host", host, "--nworkers", str(processes)],
    )
    async with running(command, log=tmp_path / f"{host}.log") as process:
        yield process


def host_of(worker: str) -> str | None:
    return urllib.parse.urlsplit(worker).hostname


async def test_a_scheduler_tells_its_id_and_all_its_workers(tmp_path: pathlib.Path) -> None:
    async with (
        running_scheduler(tmp_path) as (_, address),
        running_workers(address, tmp_path, host="127.0.0.2", processes=6),
    ):
        seen = await joined(address, workers=6)
        assert seen.id.startswith("Scheduler-")
        assert seen.hosts == {"127.0.0.2"}
        assert {(worker.nthreads, worker.status, host_of(worker.address)) for worker in seen.workers} == {
            (3, "running", "127.0.0.2")
        }


async def test_a_scheduler_that_was_started_again_has_another_id(tmp_path: pathlib.Path) -> None:
    address = free_address()
    ids = set()
    for _ in range(2):
        async with running_scheduler(tmp_path, address=address):
            ids.add((await identity(address)).id)
    assert len(ids) == 2


async def test_a_worker_of_512_mib_has_a_limit_of_512_mib(tmp_path: pathlib.Path) -> None:
    async with (
        running_scheduler(tmp_path) as (_, address),
        running_workers(address, tmp_path, host="127.0.0.2"),
        Client(address, asynchronous=True) as client,
    ):
        await joined(address, workers=1)
        limits = await client.run(lambda dask_worker: dask_worker.memory_manager.memory_limit)
        assert list(limits.values()) == [512 * 2**20]


async def test_retired_workers_move_their_data_and_end(tmp_path: pathlib.Path) -> None:
    async with (
        running_scheduler(tmp_path) as (_, address),
        running_workers(address, tmp_path, host="127.0.0.2", processes=2) as leaves,
        running_workers(address, tmp_path, host="127.0.0.3"),
        Client(address, asynchronous=True) as client,
    ):
        seen = await joined(address, workers=3)
        data = await client.scatter(list(range(30)))
        gone = [worker.address for worker in seen.by_host["127.0.0.2"]]

        assert set(await retire_workers(address, workers=gone)) == set(gone)

        assert (await identity(address)).hosts == {"127.0.0.3"}
        assert await leaves.exit_code() == 0
        assert await client.gather(data) == list(range(30))


async def test_a_worker_that_is_gone_is_not_retired_again(tmp_path: pathlib.Path) -> None:
    async with running_scheduler(tmp_path) as (_, address):
        assert await retire_workers(address, workers=["tcp://127.0.0.2:1"]) == ()


async def test_a_worker_whose_data_nobody_takes_stays(tmp_path: pathlib.Path) -> None:
    async with (
        running_scheduler(tmp_path) as (_, address),
        running_workers(address, tmp_path, host="127.0.0.2"),
        Client(address, asynchronous=True) as client,
    ):
        (worker,) = (await joined(address, workers=1)).workers
        data = await client.scatter([1], workers=[worker.address])
        assert await retire_workers(address, workers=[worker.address]) == ()

        async def works_again() -> bool:
            return [each.status for each in (await identity(address)).workers] == ["running"]

        await eventually(works_again)
        assert await client.gather(data) == [1]


async def test_the_hosts_to_close_are_those_with_the_least_data_and_close_whole(tmp_path: pathlib.Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        _, address = await stack.enter_async_context(running_scheduler(tmp_path))
        for host in HOSTS:
            await stack.enter_async_context(running_workers(address, tmp_path, host=host, processes=2))
        client = await stack.enter_async_context(Client(address, asynchronous=True))
        seen = await joined(address, workers=6)
        # The middle host holds nothing, the last most, but only one of its processes does.
        held = [
            await client.scatter(b"1" * 1000, workers=[seen.by_host["127.0.0.2"][0].address]),
            await client.scatter(b"2" * 9000, workers=[seen.by_host["127.0.0.4"][1].address]),
        ]
        for hosts, expected in enumerate([[], HOSTS[1:2], [HOSTS[1], HOSTS[0]], [HOSTS[1], HOSTS[0], HOSTS[2]]]):
            chosen = await workers_to_close(address, hosts=hosts)
            assert [host_of(worker) for worker in chosen] == [host for host in expected for _ in range(2)]
        assert len(await client.gather(held)) == 2


async def test_hosts_whose_tasks_wait_for_tasks_of_their_own_close_last(tmp_path: pathlib.Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        _, address = await stack.enter_async_context(running_scheduler(tmp_path))
        for host in HOSTS[:2]:
            await stack.enter_async_context(running_workers(address, tmp_path, host=host))
        client = await stack.enter_async_context(Client(address, asynchronous=True))
        seen = await joined(address, workers=2)
        flag = tmp_path / "started"

        def parent() -> None:
            with worker_client():  # tells the scheduler that this task runs long
                flag.touch()
                while flag.exists():
                    pass

        future = client.submit(parent, workers=[seen.by_host["127.0.0.2"][0].address])

        async def started() -> bool:
            return flag.exists()

        try:
            await eventually(started)
            for hosts, expected in ((1, ["127.0.0.3"]), (2, ["127.0.0.3", "127.0.0.2"])):
                assert [host_of(each) for each in await workers_to_close(address, hosts=hosts)] == expected
        finally:
            flag.unlink()
        await future


async def test_a_terminated_scheduler_ends_with_0_and_its_workers_follow(tmp_path: pathlib.Path) -> None:
    async with (
        running_scheduler(tmp_path) as (scheduler, address),
        running_workers(address, tmp_path, host="127.0.0.2") as worker,
    ):
        await joined(address, workers=1)
        await terminate(address)
        assert await scheduler.exit_code(within=60) == 0
        await worker.exit_code(within=60)
        with pytest.raises(SchedulerUnreachableError):
            await identity(address)


async def test_a_scheduler_that_a_client_shut_down_has_ended_with_0(tmp_path: pathlib.Path) -> None:
    async with running_scheduler(tmp_path) as (scheduler, address):
        async with Client(address, asynchronous=True) as client:
            await client.shutdown()
        assert await scheduler.exit_code(within=20) == 0


async def test_a_refusal_comes_in_the_schedulers_words(tmp_path: pathlib.Path) -> None:
    async with running_scheduler(tmp_path) as (_, address):
        with pytest.raises(SchedulerRefusedError, match=r"refused retire_workers: TypeError"):
            await retire_workers(address, workers=[{}])  # type: ignore[list-item]


async def test_a_scheduler_is_asked_by_many_at_once(tmp_path: pathlib.Path) -> None:
    async with running_scheduler(tmp_path) as (_, address):
        seen = await asyncio.gather(*(identity(address, deadline=30) for _ in range(50)))
        assert len(set(seen)) == 1


async def test_nothing_is_asked_of_addresses_of_another_form() -> None:
    for address in ("127.0.0.1:8786", "tcp://127.0.0.1", "http://127.0.0.1:8787"):
        with pytest.raises(ValueError, match="tcp://HOST:PORT"):
            await wire.ask(address, {"op": "identity"}, deadline=1)
