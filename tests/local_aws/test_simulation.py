"""Tasks without processes, for scale."""

from __future__ import annotations

import asyncio
import datetime
import time
from typing import TYPE_CHECKING, Any

import pytest
from distributed.core import rpc
from distributed.deploy import Cluster
from distributed.security import Security

from dask_ecs.dask.certificates import issued
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.plan.certificate import with_certificate
from dask_ecs.plan.variables import Variables

from .account import Account, address

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = "ghcr.io/dask/dask:latest"


@pytest.fixture(scope="module")
def simulated() -> Iterator[Account]:
    with LocalAWS.start(executor="sim", delays={"provisioning": 0.1, "pending": 0.1, "deprovisioning": 0.1}) as aws:
        yield Account(aws)


class SimulatedCluster:
    """A scheduler and some workers."""

    def __init__(self, account: Account, *, workers: int) -> None:
        self.account = account
        self.cluster = account.cluster()
        definition = account.definition(None, image=IMAGE, command=["dask", "scheduler", "--port", "8790"])
        self.scheduler = account.run(self.cluster, definition)
        self.address = f"tcp://{address(account.until(self.cluster, self.scheduler, 'RUNNING'))}:8790"
        command = ["dask", "worker", self.address, "--nthreads", "4"]
        definition = account.definition(None, image=IMAGE, command=command)
        self.workers: list[str] = []
        while len(self.workers) < workers:
            count = min(10, workers - len(self.workers))
            answer = account.ecs.run_task(**account.request(self.cluster, definition, count=count))
            self.workers += [task["taskArn"] for task in answer["tasks"]]

    async def registered(self, count: int) -> dict[str, Any]:
        """Wait until so many workers are registered, and return them by address."""
        deadline = time.monotonic() + 15
        async with rpc(self.address) as scheduler:
            while time.monotonic() < deadline:
                workers: dict[str, Any] = (await scheduler.identity())["workers"]
                if len(workers) == count:
                    return workers
                await asyncio.sleep(0.05)
        raise AssertionError(f"not {count} workers in time")

    def exit_code(self, arn: str) -> int:
        code: int = self.account.until(self.cluster, arn, "STOPPED")["containers"][0]["exitCode"]
        return code


async def test_simulated_workers_register_with_their_scheduler_once_running(simulated: Account) -> None:
    dask = SimulatedCluster(simulated, workers=12)
    workers = await dask.registered(12)
    tasks = [simulated.until(dask.cluster, arn, "RUNNING") for arn in dask.workers]
    assert {worker["host"] for worker in workers.values()} == {address(task) for task in tasks}
    assert {worker["nthreads"] for worker in workers.values()} == {4}


async def test_simulated_schedulers_and_workers_tell_their_versions(simulated: Account) -> None:
    dask = SimulatedCluster(simulated, workers=2)
    workers = await dask.registered(2)
    async with rpc(dask.address) as scheduler:
        ours = await scheduler.versions()
        theirs = await scheduler.broadcast(msg={"op": "versions"}, workers=list(workers), on_error="ignore")
    assert theirs == dict.fromkeys(workers, ours)
    assert ours["packages"].keys() == {"python", "dask", "distributed"}


async def test_a_retired_worker_ends_with_0(simulated: Account) -> None:
    dask = SimulatedCluster(simulated, workers=3)
    await dask.registered(3)
    async with rpc(dask.address) as scheduler:
        chosen = await scheduler.workers_to_close(n=1)
        retired = await scheduler.retire_workers(workers=chosen, close_workers=True, remove=True)
    assert list(retired) == list(chosen)
    remaining = await dask.registered(2)
    assert not set(chosen) & set(remaining)
    gone = next(arn for arn in dask.workers if address(simulated.describe(dask.cluster, arn)) in chosen[0])
    assert dask.exit_code(gone) == 0


async def test_a_terminated_scheduler_takes_its_workers_along(simulated: Account) -> None:
    dask = SimulatedCluster(simulated, workers=2)
    await dask.registered(2)
    async with rpc(dask.address) as scheduler:
        await scheduler.terminate(reply=False)
    assert [dask.exit_code(arn) for arn in [dask.scheduler, *dask.workers]] == [0, 0, 0]


async def test_dasks_own_cluster_object_can_follow_a_simulated_scheduler(
    simulated: Account,
) -> None:
    dask = SimulatedCluster(simulated, workers=2)
    workers = await dask.registered(2)
    async with rpc(dask.address) as scheduler:
        cluster = Cluster(asynchronous=True)
        cluster.scheduler_comm = scheduler
        await cluster._start()
        assert cluster.scheduler_info["workers"].keys() == workers.keys()
        await cluster._close()


async def test_a_killed_simulated_worker_is_no_longer_registered(simulated: Account) -> None:
    dask = SimulatedCluster(simulated, workers=2)
    await dask.registered(2)
    simulated.aws.kill_container(dask.workers[0])
    await dask.registered(1)
    assert dask.exit_code(dask.workers[0]) == 137


async def test_five_hundred_tasks_are_running_within_seconds(simulated: Account) -> None:
    began = time.monotonic()
    dask = SimulatedCluster(simulated, workers=500)
    await dask.registered(500)
    assert time.monotonic() - began < 60


async def test_a_simulated_scheduler_speaks_tls_to_those_who_have_its_certificate(simulated: Account) -> None:
    bundle = issued(None, name="simulated", now=datetime.datetime.now(datetime.UTC))
    texts = {"ca.crt": bundle.ca, "tls.crt": bundle.certificate, "tls.key": bundle.key}
    wanted = with_certificate(Variables(), "scheduler", secret="arn")
    environment = [{"name": name, "value": texts[source.split(":")[1]]} for name, source in wanted.secret]
    cluster = simulated.cluster()
    definition = simulated.definition(
        None,
        image=IMAGE,
        command=["dask", "scheduler", "--protocol", "tls", "--port", "8790"],
        environment=environment,
    )
    scheduler = simulated.run(cluster, definition)
    url = f"tls://{address(simulated.until(cluster, scheduler, 'RUNNING'))}:8790"
    security = Security(tls_ca_file=bundle.ca, tls_client_cert=bundle.certificate, tls_client_key=bundle.key)
    worker = simulated.definition(None, image=IMAGE, command=["dask", "worker", url])
    simulated.until(cluster, simulated.run(cluster, worker), "RUNNING")
    async with rpc(url, connection_args=security.get_connection_args("client")) as connected:
        workers = (await connected.identity())["workers"]
    assert [each.partition("://")[0] for each in workers] == ["tls"]
    async with rpc(url.replace("tls", "tcp"), timeout=2) as plain:
        with pytest.raises(OSError, match="before comm was established"):
            await plain.identity()
