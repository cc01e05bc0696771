"""One memory of an ECS cluster's tasks: how it learns, and how little it asks."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
from typing import TYPE_CHECKING, Any

import pytest

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.aws import ecs_clusters, network, task_definitions, tasks
from dask_ecs.controllers import draining, observe, task_watcher
from dask_ecs.controllers.memory import Memory
from dask_ecs.controllers.prober import Prober
from dask_ecs.controllers.task_watcher import Pace, TaskWatcher, TaskWatchers
from dask_ecs.plan.actions import ResolveNetwork
from dask_ecs.plan.observed import Observed, SchedulerProbe
from dask_ecs.plan.scheduler import SchedulerIdentity
from dask_ecs.plan.settings import Settings
from dask_ecs.plan.target import Target

from .test_ecs import OWN, definition, name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dask_ecs.aws.session import Aws
    from dask_ecs.local.aws.handle import LocalAWS
    from dask_ecs.plan.observed import Task

QUICK = Pace(busy=0.05, still=3600)


@pytest.fixture
async def request_(aws: Aws) -> dict[str, Any]:
    cluster = await ecs_clusters.ensure(aws, name=name(), tags=OWN, own_tags=OWN)
    where = await network.resolve(aws, ResolveNetwork(vpc_id=None, subnets=(), assign_public_ip=None, fargate=True))
    return {
        "cluster": cluster.arn,
        "taskDefinition": await task_definitions.ensure(aws, definition(name())),
        "launchType": "FARGATE",
        "count": 1,
        "startedBy": "dask/test/u-1",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": list(where.subnets), "assignPublicIp": "ENABLED"}},
    }


@contextlib.asynccontextmanager
async def watching(aws: Aws, ecs_cluster: str, *, pace: Pace = QUICK) -> AsyncIterator[tuple[TaskWatcher, list[str]]]:
    woken: list[str] = []
    watcher = TaskWatcher(aws, ecs_cluster=ecs_cluster, install="test", wake=woken.append, pace=lambda: pace)
    watcher.watch("u-1", busy=False)
    polling = asyncio.create_task(watcher.run())
    try:
        async with asyncio.timeout(60):
            while watcher.watch("u-1", busy=False) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            yield watcher, woken
    finally:
        polling.cancel()


def states(watcher: TaskWatcher, *, busy: bool) -> list[str]:
    listing = watcher.watch("u-1", busy=busy)
    assert listing
    return [task.last_status for task in listing.tasks]


async def until_states(watcher: TaskWatcher, expected: list[str], *, busy: bool) -> None:
    while states(watcher, busy=busy) != expected:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_tasks_that_are_waited_for_are_described_and_never_listed(
    aws: Aws, local_aws: LocalAWS, request_: dict[str, Any]
) -> None:
    async with watching(aws, request_["cluster"]) as (watcher, woken):
        local_aws.reset_calls()
        started, _ = await tasks.run(aws, request_)
        assert watcher.put(started) == {"u-1"}
        await until_states(watcher, ["RUNNING"], busy=True)
        assert "u-1" in woken
        assert "ecs:ListTasks" not in local_aws.calls()
        assert local_aws.calls()["ecs:DescribeTasks"] > 0


async def test_nothing_is_asked_while_nobody_waits(aws: Aws, local_aws: LocalAWS, request_: dict[str, Any]) -> None:
    async with watching(aws, request_["cluster"]) as (watcher, _):
        started, _ = await tasks.run(aws, request_)
        watcher.put(started)
        local_aws.reset_calls()
        states(watcher, busy=False)
        await asyncio.sleep(10 * QUICK.busy)
        assert local_aws.calls() == {}


async def test_a_sweep_finds_a_task_that_was_never_heard_of(aws: Aws, request_: dict[str, Any]) -> None:
    async with watching(aws, request_["cluster"], pace=Pace(busy=0.05, still=0.2)) as (watcher, woken):
        await tasks.run(aws, request_)
        await until_states(watcher, ["RUNNING"], busy=False)
        assert "u-1" in woken


async def test_who_searches_has_all_listed_at_once(aws: Aws, request_: dict[str, Any]) -> None:
    async with watching(aws, request_["cluster"]) as (watcher, _):
        await tasks.run(aws, request_)
        watcher.watch("u-1", busy=True, searching=True)
        while not states(watcher, busy=True):
            watcher.watch("u-1", busy=True, searching=True)
            await asyncio.sleep(0.01)


async def test_what_an_older_answer_says_is_left_out(aws: Aws, request_: dict[str, Any]) -> None:
    async with watching(aws, request_["cluster"]) as (watcher, _):
        (older,), _ = await tasks.run(aws, request_)
        watcher.put([older])
        await until_states(watcher, ["RUNNING"], busy=True)
        assert watcher.put([older]) == set()
        assert states(watcher, busy=False) == ["RUNNING"]


async def test_a_stopped_task_is_forgotten_after_an_hour_as_ecs_does(
    aws: Aws, request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_watcher, "STOPPED_FOR", datetime.timedelta(seconds=0.5))
    async with watching(aws, request_["cluster"], pace=Pace(busy=0.05, still=0.2)) as (watcher, _):
        (started,), _ = await tasks.run(aws, request_)
        watcher.put([started])
        await tasks.stop(aws, ecs_cluster=request_["cluster"], task_arn=started.arn, why="a test")
        await until_states(watcher, ["STOPPED"], busy=True)
        await until_states(watcher, [], busy=False)


async def test_tasks_go_with_their_ecs_cluster(
    aws: Aws, request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_watcher, "UNSEEN_FOR", datetime.timedelta(seconds=0.1))
    async with watching(aws, request_["cluster"]) as (watcher, woken):
        (started,), _ = await tasks.run(aws, request_)
        watcher.put([started])
        await tasks.stop(aws, ecs_cluster=request_["cluster"], task_arn=started.arn, why="a test")
        ecs = await aws._sessions.client("ecs", aws.region)
        await ecs.get_waiter("tasks_stopped").wait(
            cluster=request_["cluster"], tasks=[started.arn], WaiterConfig={"Delay": 1}
        )
        await ecs.delete_cluster(cluster=request_["cluster"])
        await until_states(watcher, [], busy=True)
        assert "u-1" in woken
        assert watcher.error is None


async def test_a_watch_outlasts_any_number_of_failures(aws: Aws, local_aws: LocalAWS, request_: dict[str, Any]) -> None:
    async with watching(aws, request_["cluster"], pace=Pace(busy=0.05, still=0.2)) as (watcher, _):
        watcher.failures = 10_000
        local_aws.fault("ecs:ListTasks", code="AccessDeniedException", message="no", status=400, count=1)
        while watcher.failures <= 10_000:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        while watcher.error:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_sweep_of_what_runs_on_describes_nothing(
    aws: Aws, local_aws: LocalAWS, request_: dict[str, Any]
) -> None:
    async with watching(aws, request_["cluster"], pace=Pace(busy=0.05, still=0.2)) as (watcher, woken):
        started, _ = await tasks.run(aws, request_)
        watcher.put(started)
        await until_states(watcher, ["RUNNING"], busy=True)
        states(watcher, busy=False)
        await asyncio.sleep(0.1)  # a look that has begun
        local_aws.reset_calls()
        while local_aws.calls().get("ecs:ListTasks", 0) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert set(local_aws.calls()) == {"ecs:ListTasks"}
        woken.clear()
        await tasks.stop(aws, ecs_cluster=request_["cluster"], task_arn=started[0].arn, why="a test")
        await until_states(watcher, ["STOPPED"], busy=False)
        assert "u-1" in woken


async def test_an_event_that_tells_nothing_of_the_health_leaves_it(aws: Aws, request_: dict[str, Any]) -> None:
    async with watching(aws, request_["cluster"]) as (watcher, _):
        (started,), _ = await tasks.run(aws, request_)
        watcher.put([dataclasses.replace(started, health="HEALTHY", version=100)])
        assert watcher.hear(dataclasses.replace(started, last_status="RUNNING", version=101)) == {"u-1"}
        listing = watcher.watch("u-1", busy=False)
        assert listing
        assert [(task.last_status, task.health) for task in listing.tasks] == [("RUNNING", "HEALTHY")]
        assert watcher.hear(dataclasses.replace(started, version=99)) == set()


async def test_since_when_a_task_is_to_stop_is_known_and_no_news(aws: Aws, request_: dict[str, Any]) -> None:
    async with watching(aws, request_["cluster"]) as (watcher, _):
        (started,), _ = await tasks.run(aws, request_)
        watcher.put([started])
        watcher.stopping(started.arn)
        (before,) = _tasks_of(watcher)
        assert before.stopping_at
        again = dataclasses.replace(started, desired_status="STOPPED", version=100)
        assert watcher.put([again]) == {"u-1"}
        assert [task.stopping_at for task in _tasks_of(watcher)] == [before.stopping_at]
        assert watcher.put([again]) == set()


async def test_the_health_of_a_scheduler_is_looked_at_anew_while_it_does_not_answer(
    aws: Aws, local_aws: LocalAWS, request_: dict[str, Any]
) -> None:
    of_scheduler = definition(name())
    of_scheduler["containerDefinitions"][0]["name"] = "scheduler"
    request_["taskDefinition"] = await task_definitions.ensure(aws, of_scheduler)
    body = {
        "metadata": {"name": "one", "namespace": "team", "uid": "u-1"},
        "status": {"clusterArn": request_["cluster"]},
    }
    settings = Settings(install="test", default_region=aws.region, default_image="dask")
    target = Target(cluster=DaskCluster.read(body), settings=settings)
    memory = Memory.of(target.cluster, busy=False, now=datetime.datetime.now(datetime.UTC))
    silence = SchedulerProbe(address="tcp://10.0.0.1:8786")
    answer = dataclasses.replace(silence, identity=SchedulerIdentity(id="s", workers=()))
    watchers, prober = TaskWatchers(install="test", wake=lambda _: None), Prober(wake=lambda _: None)
    watcher = watchers.of(aws, request_["cluster"])

    def tell(probe: SchedulerProbe) -> None:
        seen = Observed(tasks=(), probe=probe)
        observe.say_busy(aws, target, memory, seen, watchers=watchers, prober=prober, busy=False)

    async def until_health(expected: str) -> None:
        async with asyncio.timeout(60):
            while {task.health for task in _tasks_of(watcher)} != {expected}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def calls_of_a_sweep() -> dict[str, int]:
        before = watcher.watch("u-1", busy=False)
        local_aws.reset_calls()
        watcher.look_now()
        async with asyncio.timeout(60):
            while (now := watcher.watch("u-1", busy=False)) and before and now.listed_at == before.listed_at:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return local_aws.calls()

    def as_before() -> None:
        (task,) = _tasks_of(watcher)
        watcher.put([dataclasses.replace(task, health="HEALTHY")])

    try:
        while watcher.watch("u-1", busy=False) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        started, _ = await tasks.run(aws, request_)
        watcher.put(started)
        await until_states(watcher, ["RUNNING"], busy=True)
        as_before()
        tell(answer)
        assert "ecs:DescribeTasks" not in await calls_of_a_sweep()
        tell(silence)
        await until_health("UNKNOWN")  # at once
        as_before()
        watcher.look_now()
        await until_health("UNKNOWN")  # with each sweep
        tell(answer)
        assert "ecs:DescribeTasks" not in await calls_of_a_sweep()
    finally:
        await watchers.close()


async def test_tasks_on_a_draining_instance_are_told_apart_and_only_where_there_are_instances_is_it_asked(
    aws: Aws, local_aws: LocalAWS, request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "INTERVAL", 0.05)
    local_aws.reset_calls()
    async with watching(aws, request_["cluster"]) as (watcher, woken):
        started, _ = await tasks.run(aws, request_)
        watcher.put(started)
        await until_states(watcher, ["RUNNING"], busy=True)
    assert "ecs:ListContainerInstances" not in local_aws.calls()

    ecs, ec2 = [await aws._sessions.client(service, aws.region) for service in ("ecs", "ec2")]
    cluster = request_["cluster"].rsplit("/", 1)[1]
    subnet = request_["networkConfiguration"]["awsvpcConfiguration"]["subnets"][0]
    joins = f"#!/bin/bash\necho ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config\n"
    machine = {"ImageId": "ami-12c6146b", "InstanceType": "m6i.large", "SubnetId": subnet, "UserData": joins}
    await ec2.run_instances(MinCount=1, MaxCount=1, **machine)
    while not (instances := (await ecs.list_container_instances(cluster=cluster))["containerInstanceArns"]):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    on_ec2 = {**request_, "taskDefinition": await task_definitions.ensure(aws, {**definition(name()), **_ON_EC2})}
    on_ec2["launchType"] = "EC2"
    on_ec2["networkConfiguration"] = {"awsvpcConfiguration": {"subnets": [subnet]}}
    async with watching(aws, request_["cluster"]) as (watcher, woken):
        (task,), _ = await tasks.run(aws, on_ec2)
        watcher.put([task])
        woken.clear()
        await ecs.update_container_instances_state(cluster=cluster, containerInstances=instances, status="DRAINING")
        while not any(task.is_draining for task in _tasks(watcher)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert [one.arn for one in _tasks(watcher) if one.is_draining] == [task.arn]
        assert "u-1" in woken
        await ecs.update_container_instances_state(cluster=cluster, containerInstances=instances, status="ACTIVE")
        while any(task.is_draining for task in _tasks(watcher)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


_ON_EC2 = {"requiresCompatibilities": ["EC2"]}


def _tasks_of(watcher: TaskWatcher) -> tuple[Task, ...]:
    listing = watcher.watch("u-1", busy=False)
    return listing.tasks if listing else ()


def _tasks(watcher: TaskWatcher) -> tuple[Task, ...]:
    listing = watcher.watch("u-1", busy=True)
    assert listing
    return listing.tasks


@pytest.mark.parametrize("turns", range(5))
async def test_a_watch_ends_when_it_is_told_to_however_soon_after_a_nudge(
    aws: Aws, request_: dict[str, Any], turns: int
) -> None:
    watcher = TaskWatcher(aws, ecs_cluster=request_["cluster"], install="test", wake=lambda _: None, pace=lambda: QUICK)
    polling = asyncio.create_task(watcher.run())
    async with asyncio.timeout(60):
        while watcher.watch("u-1", busy=False) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(2 * QUICK.busy)  # it waits for a nudge now
    watcher.look_now()
    for _ in range(turns):
        await asyncio.sleep(0)  # of the loop, not of the clock
    polling.cancel()
    done, _ = await asyncio.wait([polling], timeout=10)
    assert done
    assert polling.cancelled()
