"""Schedulers are asked in the background, and only what has changed is told."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

import pytest

from dask_cluster.processes import eventually, free_address, joined, running, running_scheduler
from dask_ecs.controllers import prober as prober_module
from dask_ecs.controllers.prober import Prober
from dask_ecs.dask import scheduler
from dask_ecs.plan.commands import worker_command
from dask_ecs.plan.worker_preload import worker_preload

if TYPE_CHECKING:
    import pathlib
    from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def running_prober() -> AsyncIterator[tuple[Prober, list[str]]]:
    woken: list[str] = []
    prober = Prober(wake=woken.append)
    asking = asyncio.create_task(prober.run())
    try:
        yield prober, woken
    finally:
        asking.cancel()


async def test_a_worker_that_joins_is_told_once(tmp_path: pathlib.Path) -> None:
    async with running_scheduler(tmp_path) as (_, address), running_prober() as (prober, woken):
        prober.watch("one", address, busy=True)

        async def workers() -> int:
            probe = prober.last("one")
            return len(probe.identity.workers) if probe and probe.identity else 0

        await eventually(lambda: _said(prober))
        assert woken == ["one"]
        command = worker_command(scheduler_address=address, threads=1, memory_mib=512, preload=worker_preload())
        async with running(command, log=tmp_path / "worker.log"):
            await joined(address, workers=1)
            await eventually(workers)
            assert woken.count("one") <= 3, "it was there, it joined, it was ready"


async def test_an_address_where_nobody_listens_is_told_with_the_reason() -> None:
    async with running_prober() as (prober, woken):
        prober.watch("one", free_address(), busy=True)
        await eventually(lambda: _said(prober))
        probe = prober.last("one")
        assert probe
        assert probe.identity is None
        assert "Connect call failed" in probe.error
        assert woken == ["one"]


async def test_a_scheduler_that_becomes_healthy_is_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prober_module, "BUSY_LONGEST", 600.0)
    monkeypatch.setattr(prober_module, "BUSY_FACTOR", 1000.0)
    address = free_address()
    async with running_prober() as (prober, _):
        prober.watch("one", address, busy=True)

        async def waits_long() -> bool:
            return prober._watched["one"].due > asyncio.get_running_loop().time() + 60

        await eventually(waits_long)
        before = prober.last("one")
        assert before
        assert not before.was_healthy
        prober.watch("one", address, busy=True, healthy=True)

        async def asked() -> bool:
            probe = prober.last("one")
            return bool(probe and probe.was_healthy)

        await eventually(asked)


async def test_what_nobody_expected_does_not_end_the_asking(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def out_of_memory(*_: object, **__: object) -> None:
        monkeypatch.undo()
        raise MemoryError

    async with running_scheduler(tmp_path) as (_, address), running_prober() as (prober, _):
        monkeypatch.setattr(prober_module, "BUSY_LONGEST", 0.1)
        monkeypatch.setattr(scheduler, "state", out_of_memory)
        prober.watch("one", address, busy=False)
        await eventually(lambda: _said(prober))


async def test_a_scheduler_that_does_not_answer_keeps_its_workers_for_a_while(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prober_module, "DEADLINE", 0.2)
    monkeypatch.setattr(prober_module, "PATIENCE", 2.0)
    async with running_scheduler(tmp_path) as (process, address), running_prober() as (prober, _):
        prober.watch("one", address, busy=True)
        await eventually(lambda: _said(prober))
        first = prober.last("one")
        assert first
        process.signal_itself(signal.SIGSTOP)

        async def missed() -> bool:
            probe = prober.last("one")
            return bool(probe and probe.error)

        await eventually(missed)
        probe = prober.last("one")
        assert probe
        assert probe.identity == first.identity

        async def lost() -> bool:
            probe = prober.last("one")
            return bool(probe and probe.identity is None)

        await eventually(lost)


async def test_who_leaves_is_asked_no_more() -> None:
    async with running_prober() as (prober, woken):
        prober.watch("one", free_address(), busy=True)
        prober.leave("one")
        prober.watch("two", free_address(), busy=True)
        await eventually(lambda: _said(prober, "two"))
        assert woken == ["two"]
        assert prober.last("one") is None


async def test_what_is_awaited_is_asked_before_many_of_which_nothing_is() -> None:
    silent = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, running_prober() as (prober, woken):
        for number in range(100):
            prober.watch(f"still-{number}", f"tcp://127.0.0.1:{port}", busy=False)
        prober.watch("awaited", free_address(), busy=True)
        await eventually(lambda: _said(prober, "awaited"))
        assert woken == ["awaited"], "each of the others keeps its place for the whole deadline"


async def _said(prober: Prober, uid: str = "one") -> bool:
    return prober.last(uid) is not None
