"""Real schedulers and workers tell their versions once, and are not asked again while nothing is new."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from distributed import Client

from dask_cluster.processes import eventually, joined, running, running_scheduler
from dask_cluster.test_prober import running_prober
from dask_ecs.api.versions import Versions
from dask_ecs.controllers import prober as prober_module
from dask_ecs.dask import scheduler
from dask_ecs.plan.commands import worker_command
from dask_ecs.plan.worker_preload import worker_preload

if TYPE_CHECKING:
    import pathlib

    from dask_ecs.plan.versions import SeenVersions

OURS = Versions(python="{}.{}.{}".format(*sys.version_info), dask=version("dask"), distributed=version("distributed"))

# A worker of another image.
PRETENDING = """
import distributed.versions
distributed.versions.get_package_info = lambda packages: {"python": "3.9.1.final.0", "dask": "2020.1.0"}
"""


async def test_versions_are_asked_once_of_a_scheduler_and_its_workers(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prober_module, "BUSY_LONGEST", 0.2)
    asked: list[int] = []
    ask = scheduler.versions

    async def counted(address: str, **rest: object) -> object:
        asked.append(1)
        return await ask(address, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(scheduler, "versions", counted)
    async with running_scheduler(tmp_path) as (_, address), running_prober() as (prober, _):
        prober.watch("one", address, busy=True, awaited=2)

        async def seen() -> SeenVersions | None:
            probe = prober.last("one")
            return probe.versions if probe else None

        commands = [
            worker_command(
                scheduler_address=address,
                threads=1,
                memory_mib=512,
                preload=worker_preload(),
                extra_args=["--host", host, *extra],
            )
            for host, extra in (("127.0.0.2", []), ("127.0.0.3", ["--preload", PRETENDING]))
        ]
        async with (
            running(commands[0], log=tmp_path / "one.log"),
            running(commands[1], log=tmp_path / "other.log"),
        ):
            found = await eventually(seen)
            assert found
            assert found.cluster.scheduler == OURS
            assert set(found.cluster.workers) == {OURS, Versions(python="3.9.1", dask="2020.1.0")}
            identity = await joined(address, workers=2)
            assert set(found.asked) == {worker.address for worker in identity.workers}
        before = prober.last("one")

        async def asked_since() -> bool:
            probe = prober.last("one")
            return probe is not before and bool(probe and probe.identity and not probe.identity.workers)

        await eventually(asked_since)
        assert sum(asked) == 1


@pytest.mark.filterwarnings("ignore::distributed.versions.VersionMismatchWarning")
async def test_a_client_of_another_environment_is_told_of_for_as_long_as_it_is_connected(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prober_module, "BUSY_LONGEST", 0.2)
    async with running_scheduler(tmp_path) as (_, address), running_prober() as (prober, _):
        prober.watch("one", address, busy=True)

        async def tells(*clients: Versions) -> bool:
            probe = prober.last("one")
            return bool(probe and probe.versions and probe.versions.cluster.clients == clients)

        await eventually(tells)
        async with Client(address, asynchronous=True), Client(address, asynchronous=True):
            with monkeypatch.context() as pretending:
                other = {"packages": {"python": "3.9.1.final.0", "dask": "2020.1.0", "toolz": "1.0"}}
                pretending.setattr("distributed.versions.get_versions", lambda: other)
                async with Client(address, asynchronous=True):
                    await eventually(lambda: tells(Versions(python="3.9.1", dask="2020.1.0")))

            async def tells_both_as_one() -> bool:
                _, activity = await scheduler.state(address)
                return activity is not None and activity.client_versions == (OURS,)

            await eventually(tells_both_as_one)
            await eventually(tells)
