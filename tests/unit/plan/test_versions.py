"""Versions that differ are a condition that says what to do."""

import pytest

from dask_ecs.api.conditions import find_condition
from dask_ecs.api.versions import ClusterVersions, Versions
from dask_ecs.plan import versions
from dask_ecs.plan.scheduler import SchedulerIdentity, WorkerSeen
from dask_ecs.plan.versions import SeenVersions

from .world import World, condition, running

NEW = Versions(python="3.12.7", dask="2026.8.0", distributed="2026.8.0")
OLD = Versions(python="3.11.2", dask="2026.7.0", distributed="2026.7.0")


def seen(world: World, *workers: Versions, scheduler: Versions = NEW) -> None:
    cluster = ClusterVersions(scheduler=scheduler, workers=workers)
    world.versions = SeenVersions(scheduler_id="s", asked=("tcp://10.0.0.2:1",), cluster=cluster)
    world.step()


def test_the_status_shows_what_scheduler_and_workers_said() -> None:
    world = running(2)
    assert world.target.cluster.status.versions is None
    seen(world, NEW)
    assert world.target.cluster.status.versions == ClusterVersions(scheduler=NEW, workers=(NEW,))
    assert condition(world, "VersionsMatch")[:2] == ("True", "SameVersions")
    assert world.plan().status.phase == "Running"


def test_versions_that_differ_are_said_with_the_fix() -> None:
    world = running(2)
    seen(world, NEW, OLD)
    status, reason, message = condition(world, "VersionsMatch")
    assert (status, reason) == ("False", "VersionsDiffer")
    assert "python 3.11.2 (the scheduler: 3.12.7), dask 2026.7.0 (the scheduler: 2026.8.0)" in message
    assert "spec.image" in message
    assert "2026.8.0 (the scheduler: 2026.8.0)" not in message


def test_a_patch_of_python_is_no_difference() -> None:
    world = running(1)
    seen(world, NEW.model_copy(update={"python": "3.12.9"}))
    assert condition(world, "VersionsMatch")[0] == "True"


def test_a_client_that_differs_is_told_what_to_install_and_one_that_does_not_is_not_mentioned() -> None:
    world = running(1)
    cluster = ClusterVersions(scheduler=NEW, workers=(NEW,))
    told = SeenVersions(scheduler_id="s", asked=("tcp://10.0.0.2:1",), cluster=cluster)
    world.versions = told.with_clients([NEW, NEW.model_copy(update={"python": "3.12.1"})])
    world.step()
    assert world.target.cluster.status.versions == cluster
    assert condition(world, "VersionsMatch")[:2] == ("True", "SameVersions")
    world.versions = told.with_clients([NEW, OLD])
    world.step()
    assert world.target.cluster.status.versions == ClusterVersions(scheduler=NEW, workers=(NEW,), clients=(OLD,))
    status, reason, message = condition(world, "VersionsMatch")
    assert (status, reason) == ("False", "ClientVersionsDiffer")
    assert "client has python 3.11.2 (the scheduler: 3.12.7), dask 2026.7.0 (the scheduler: 2026.8.0)" in message
    assert "Python 3.12 and `pip install dask==2026.8.0 distributed==2026.8.0`" in message
    assert world.plan().status.phase == "Running"
    world.versions = told.with_clients([])
    world.step()
    assert condition(world, "VersionsMatch")[:2] == ("True", "SameVersions")


def test_a_client_is_compared_before_there_are_workers_and_named_beside_them() -> None:
    world = running(0)
    bare = Versions(dask="2026.7.0")
    world.versions = SeenVersions(scheduler_id="s", asked=(), cluster=ClusterVersions(scheduler=NEW, clients=(bare,)))
    world.step()
    _, reason, message = condition(world, "VersionsMatch")
    assert reason == "ClientVersionsDiffer"
    assert "distributed missing (the scheduler: 2026.8.0)" in message
    found = versions.mismatch(ClusterVersions(scheduler=NEW, workers=(OLD,), clients=(bare,)))
    assert found
    assert found.reason == "VersionsDiffer"
    assert "Workers have" in found.message
    assert "A connected client has" in found.message


def test_without_workers_nothing_is_said_of_theirs() -> None:
    world = running(0)
    assert find_condition(world.target.cluster.status.conditions, "VersionsMatch") is None
    seen(world)
    assert condition(world, "VersionsMatch")[:2] == ("Unknown", "NoWorkers")


def test_what_was_said_stays_while_the_scheduler_is_not_asked() -> None:
    world = running(1)
    seen(world, OLD)
    world.versions = None
    world.step()
    assert condition(world, "VersionsMatch")[0] == "False"
    assert world.target.cluster.status.versions == ClusterVersions(scheduler=NEW, workers=(OLD,))


def identity(*workers: str, scheduler: str = "s") -> SchedulerIdentity:
    found = (WorkerSeen(address=name, host=name, name=name, nthreads=1, status="running") for name in workers)
    return SchedulerIdentity(id=scheduler, workers=tuple(found))


@pytest.mark.parametrize(
    ("asked", "found", "holds"),
    [
        ((), identity(), True),
        ((), identity("a"), False),
        (("a", "b"), identity("b", "c"), True),
        (("a", "b"), identity("c"), False),
        (("a",), identity(), True),
        (("a",), identity("a", scheduler="another"), False),
    ],
)
def test_it_is_asked_again_when_the_scheduler_or_all_whom_it_was_asked_of_are_others(
    asked: tuple[str, ...], found: SchedulerIdentity, holds: bool
) -> None:
    before = SeenVersions(scheduler_id="s", asked=asked, cluster=ClusterVersions())
    assert before.still_hold(found) is holds


def test_a_few_of_the_newest_workers_are_asked() -> None:
    assert versions.to_ask(identity(*"abcdefgh")) == tuple("efgh")
