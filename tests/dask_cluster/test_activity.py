"""What a scheduler tells of who uses it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from distributed import Client

from dask_cluster.processes import eventually, joined, running, running_scheduler
from dask_ecs.dask.scheduler import state
from dask_ecs.plan.commands import worker_command
from dask_ecs.plan.worker_preload import worker_preload

if TYPE_CHECKING:
    import pathlib


async def test_a_scheduler_tells_of_its_clients_of_kept_results_and_whether_it_computes(
    tmp_path: pathlib.Path,
) -> None:
    async with running_scheduler(tmp_path) as (_, address):

        async def tells(*, clients: int, idle: bool) -> bool:
            _, activity = await state(address)
            return activity is not None and (activity.clients, activity.idle_seconds is not None) == (clients, idle)

        await eventually(lambda: tells(clients=0, idle=True))
        command = worker_command(scheduler_address=address, threads=2, memory_mib=512, preload=worker_preload())
        async with running(command, log=tmp_path / "worker.log"):
            await joined(address, workers=1)
            async with Client(address, asynchronous=True) as client:
                await eventually(lambda: tells(clients=1, idle=True))
                endless = client.submit(lambda: threading.Event().wait())
                await eventually(lambda: tells(clients=1, idle=False))
                await endless.cancel()
                kept = client.submit(sum, [1, 2])
                await client.publish_dataset(kept=kept)
                await eventually(lambda: tells(clients=2, idle=True))
            await eventually(lambda: tells(clients=1, idle=True))
            seen, _ = await state(address)
            assert [worker.nthreads for worker in seen.workers] == [2]
            async with Client(address, asynchronous=True) as client:
                await client.unpublish_dataset("kept")
            await eventually(lambda: tells(clients=0, idle=True))
