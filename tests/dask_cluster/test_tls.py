"""Real schedulers and workers with a certificate: those without one are turned away."""

import contextlib
import datetime
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from distributed import Client
from distributed.security import Security

from dask_ecs.dask.certificates import Bundle, renewed
from dask_ecs.dask.errors import SchedulerUnreachableError
from dask_ecs.dask.scheduler import identity, retire_workers, terminate, workers_to_close
from dask_ecs.plan import certificate as names
from dask_ecs.plan.certificate import with_certificate
from dask_ecs.plan.commands import scheduler_command, worker_command
from dask_ecs.plan.observed import Role
from dask_ecs.plan.variables import Variables
from dask_ecs.plan.worker_preload import worker_preload

from .processes import Process, eventually, free_address, running

NOW = datetime.datetime.now(datetime.UTC)
# How Dask tells a client so depends on who hangs up first.
TURNED_AWAY = r"(?i)timed out|reset by peer|closed|certificate"

BUNDLE = renewed(None, name="dask-abc-team-tls", now=NOW - datetime.timedelta(days=40))


def security(bundle: Bundle = BUNDLE) -> Security:
    return Security(
        tls_ca_file=bundle.ca, tls_client_cert=bundle.certificate, tls_client_key=bundle.key, require_encryption=True
    )


def environment(role: Role, bundle: Bundle = BUNDLE) -> Mapping[str, str]:
    """What ECS gives the container, as its definition asks for it."""
    texts = {names.CA: bundle.ca, names.CERTIFICATE: bundle.certificate, names.KEY: bundle.key}
    wanted = with_certificate(Variables(), role, secret="arn")
    return {**dict(wanted.plain), **{name: texts[source.split(":")[1]] for name, source in wanted.secret}}


@contextlib.asynccontextmanager
async def encrypted_scheduler(tmp_path: Path) -> AsyncIterator[tuple[Process, str]]:
    address = free_address().replace("tcp", "tls")
    command = scheduler_command(
        port=int(address.rsplit(":", 1)[1]), dashboard_port=0, protocol="tls", extra_args=["--host", "127.0.0.1"]
    )
    async with running(command, log=tmp_path / "scheduler.log", env=environment("scheduler")) as process:
        await eventually(lambda: identity(address, certificate=BUNDLE.kept_in("")))
        yield process, address


def worker(address: str) -> list[str]:
    return worker_command(scheduler_address=address, threads=1, memory_mib=512, preload=worker_preload(wait_seconds=60))


async def test_clients_workers_and_operator_with_the_certificate_are_members(tmp_path: Path) -> None:
    # The workers were started after the certificate was renewed, the scheduler before.
    since = renewed(BUNDLE, name="dask-abc-team-tls", now=NOW)
    async with encrypted_scheduler(tmp_path) as (scheduler, address), contextlib.AsyncExitStack() as stack:
        for index in range(2):
            log = tmp_path / f"worker-{index}.log"
            await stack.enter_async_context(running(worker(address), log=log, env=environment("worker", since)))

        async def both() -> bool:
            seen = await identity(address, certificate=BUNDLE.kept_in(""))
            return [one.status for one in seen.workers] == ["running", "running"]

        await eventually(both)

        # A worker's tasks may be clients too: they have the certificate as well.
        def sum_inside(numbers: range) -> int:
            from distributed import worker_client

            with worker_client() as client:
                return int(client.submit(sum, numbers).result())

        async with Client(address, security=security(), asynchronous=True) as client:
            nested = client.submit(sum_inside, range(10))
            assert await nested == 45
        chosen = await workers_to_close(address, hosts=1, certificate=BUNDLE.kept_in(""))
        assert await retire_workers(address, workers=chosen[:1], certificate=BUNDLE.kept_in("")) == chosen[:1]
        assert "TLS handshake failed" not in scheduler.log.read_text()
        await terminate(address, certificate=BUNDLE.kept_in(""))
        assert await scheduler.exit_code() == 0


async def test_who_has_no_certificate_or_one_of_another_ca_is_turned_away(tmp_path: Path) -> None:
    other = renewed(None, name="dask-abc-team-tls", now=NOW)
    async with encrypted_scheduler(tmp_path) as (_, address):
        plain = address.replace("tls://", "tcp://")
        with pytest.raises(OSError, match=TURNED_AWAY):
            await Client(plain, timeout=2, asynchronous=True)
        with pytest.raises(OSError, match=TURNED_AWAY):
            await Client(address, security=security(other), timeout=2, asynchronous=True)
        with pytest.raises(SchedulerUnreachableError, match=r"(?i)certificate"):
            await identity(address, certificate=other.kept_in(""))
        with pytest.raises(SchedulerUnreachableError):
            await identity(plain)
        with pytest.raises(SchedulerUnreachableError, match="is not known yet"):
            await identity(address)
        for name, env in (("plain", {}), ("other", environment("worker", other))):
            command = worker(address if env else plain)
            async with running(command, log=tmp_path / f"{name}.log", env=env) as stranger:
                assert await stranger.exit_code() != 0
        assert "certificate verify failed" in (tmp_path / "other.log").read_text().splitlines()[-1]
        assert not (await identity(address, certificate=BUNDLE.kept_in(""))).workers


async def test_a_worker_with_a_certificate_joins_no_scheduler_without_one(tmp_path: Path) -> None:
    address = free_address()
    command = scheduler_command(
        port=int(address.rsplit(":", 1)[1]), dashboard_port=0, extra_args=["--host", "127.0.0.1"]
    )
    async with running(command, log=tmp_path / "scheduler.log"):
        await eventually(lambda: identity(address))
        async with running(worker(address), log=tmp_path / "worker.log", env=environment("worker")) as process:
            assert await process.exit_code() != 0
