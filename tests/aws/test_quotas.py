import asyncio
import collections
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from dask_ecs.aws import ecs_clusters, network, operations, security_groups, task_definitions, tasks
from dask_ecs.aws.session import Aws, Sessions
from dask_ecs.controllers.launch_queue import Granted, LaunchQueue
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.plan.actions import ResolveNetwork
from dask_ecs.plan.quota import Limit

OWN = {"ecs.dask.org/uid": "u-1"}


@pytest.fixture(scope="module")
def local_aws() -> Iterator[LocalAWS]:
    with LocalAWS.start(executor="sim", throttle=True) as local_aws:
        yield local_aws


@pytest.fixture
async def request_(aws: Aws, local_aws: LocalAWS) -> dict[str, Any]:
    """RunTask's parameters for one task; the calls of preparing them are not logged."""
    name = f"it-{uuid.uuid4().hex[:8]}"
    cluster = await ecs_clusters.ensure(aws, name=name, tags=OWN, own_tags=OWN)
    where = await network.resolve(aws, ResolveNetwork(vpc_id=None, subnets=(), assign_public_ip=None, fargate=True))
    definition = {
        "family": name,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": "worker", "image": "busybox", "command": ["sleep", "600"]}],
    }
    request = {
        "cluster": cluster.arn,
        "taskDefinition": await task_definitions.ensure(aws, definition),
        "launchType": "FARGATE",
        "count": 1,
        "startedBy": "dask/test/u-1",
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": list(where.subnets), "assignPublicIp": "ENABLED"},
        },
    }
    local_aws.reset_calls()
    return request


class Launcher:
    """Runs tasks in their turn, each as one object's reconcile would."""

    def __init__(self, aws: Aws, sessions: Sessions) -> None:
        self._aws = aws
        self._woken: dict[str, asyncio.Event] = {}
        self.queue = LaunchQueue(quotas_of=sessions.quotas, wake=lambda uid: self._woken[uid].set())

    async def run(self, uid: str, request: dict[str, Any]) -> list[str]:
        """Wait for the turn, run the tasks, and return their ARNs."""
        woken = self._woken[uid] = asyncio.Event()
        while not isinstance(self._ask(uid, count=request["count"]), Granted):
            await woken.wait()
            woken.clear()
        started, not_placed = await tasks.run(self._aws, request)
        assert not_placed is None
        return [task.arn for task in started]

    def _ask(self, uid: str, *, count: int) -> Any:
        region = self._aws.region
        return self.queue.ask(uid, "ns", region=region, role="worker", count=count, capacity="FARGATE")


@pytest.fixture
async def launcher(aws: Aws, sessions: Sessions) -> AsyncIterator[Launcher]:
    launcher = Launcher(aws, sessions)
    yield launcher
    await launcher.queue.close()


async def test_of_three_hundred_launches_and_as_many_stops_aws_throttles_hardly_any(
    aws: Aws, launcher: Launcher, request_: dict[str, Any], local_aws: LocalAWS
) -> None:
    async def one_life(number: int) -> None:
        (arn,) = await launcher.run(f"u-{number}", request_)
        await tasks.describe(aws, ecs_cluster=request_["cluster"], arns=[arn])
        await tasks.stop(aws, ecs_cluster=request_["cluster"], task_arn=arn, why="test is over")

    await asyncio.wait_for(asyncio.gather(*(one_life(number) for number in range(300))), 120)
    log = local_aws.call_log()
    done = collections.Counter(call["operation"] for call in log if not call["outcome"])
    assert done == {"ecs:RunTask": 300, "ecs:DescribeTasks": 300, "ecs:StopTask": 300}
    # None is where this process is never kept from the CPU for a quarter of a second, which `bench` measures; without
    # the quotas it would be hundreds.
    assert len(log) - done.total() <= 30


async def test_of_sixty_security_groups_at_once_aws_throttles_none(aws: Aws, local_aws: LocalAWS) -> None:
    where = await network.resolve(aws, ResolveNetwork(vpc_id=None, subnets=(), assign_public_ip=None, fargate=True))
    prefix = uuid.uuid4().hex[:8]
    local_aws.reset_calls()
    made = [
        security_groups.ensure(aws, name=f"{prefix}-{number}", vpc_id=where.vpc_id, rules=set(), tags=OWN, own_tags=OWN)
        for number in range(60)
    ]
    await asyncio.wait_for(asyncio.gather(*made), 60)
    assert local_aws.calls() == {"ec2:DescribeSecurityGroups": 60, "ec2:CreateSecurityGroup": 60}
    assert {call["outcome"] for call in local_aws.call_log()} == {""}


async def test_launches_that_a_stall_has_held_up_do_not_go_out_together(
    aws: Aws, sessions: Sessions, request_: dict[str, Any], local_aws: LocalAWS
) -> None:
    paid_for = 0
    async with asyncio.timeout(10):
        while paid_for < 50:
            paid_for += sessions.quotas(aws.region).take_launch("FARGATE", tasks=1)
            await asyncio.sleep(0.01)
    await asyncio.wait_for(asyncio.gather(*(tasks.run(aws, request_) for _ in range(paid_for))), 60)
    # A busy machine brings some calls nearer together than the margin of a quarter of a second; at once, AWS would
    # throttle 30 of them.
    throttled = [call for call in local_aws.call_log() if call["outcome"]]
    assert len(throttled) < 15


async def test_a_throttled_launch_halves_the_rate_of_launches_and_not_that_of_stops(
    aws: Aws, launcher: Launcher, sessions: Sessions, request_: dict[str, Any], local_aws: LocalAWS
) -> None:
    quotas = sessions.quotas(aws.region)
    buckets = ("Fargate RunTask", "Fargate on-demand tasks", "tasks")
    before = [quotas.rate(bucket) for bucket in buckets]
    local_aws.fault("ecs:RunTask", code="ThrottlingException", message="Rate exceeded", count=1)
    await asyncio.wait_for(launcher.run("u-1", request_), 60)
    assert [call["outcome"] for call in local_aws.call_log("ecs:RunTask")] == ["ThrottlingException", ""]
    assert [quotas.rate(bucket) for bucket in buckets] == [before[0] / 2, before[1] / 2, before[2]]


async def test_a_throttled_look_at_tasks_slows_down_what_reads_them(
    aws: Aws, sessions: Sessions, request_: dict[str, Any], local_aws: LocalAWS
) -> None:
    quotas = sessions.quotas(aws.region)
    before = quotas.rate("task reads")
    local_aws.fault("ecs:DescribeTasks", code="ThrottlingException", message="Rate exceeded", count=1)
    await tasks.describe(aws, ecs_cluster=request_["cluster"], arns=["0" * 32])
    assert quotas.rate("task reads") == before / 2


@pytest.mark.usefixtures("sessions")  # for its environment
async def test_each_attempt_of_the_sdk_takes_a_token(local_aws: LocalAWS) -> None:
    async with Sessions(limits={"cluster reads": Limit(burst=3, rate=1)}) as slow:
        local_aws.reset_calls()
        local_aws.fault("ecs:DescribeClusters", code="ServerException", status=500, count=2)
        aws = slow.region("eu-west-1")
        for _ in range(2):
            await asyncio.wait_for(aws.call(operations.DESCRIBE_CLUSTERS, clusters=["any"]), 30)
    at = [call["at"] for call in local_aws.call_log("ecs:DescribeClusters")]
    assert len(at) == 4
    # There are two tokens and a quarter at first, then comes one a second; a slow machine may see the first call late.
    assert at[3] - at[0] >= 1.2


async def test_calls_wait_in_the_order_they_come(local_aws: LocalAWS, sessions: Sessions) -> None:
    async with Sessions(limits={"cluster reads": Limit(burst=10, rate=10)}) as slow:
        local_aws.reset_calls()
        aws = slow.region("eu-west-1")
        names = [f"c-{number:02}" for number in range(10)]
        calls = [asyncio.create_task(aws.call(operations.DESCRIBE_CLUSTERS, clusters=[name])) for name in names]
        given_up = calls.pop(4)
        await asyncio.sleep(0)
        given_up.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await given_up
        await asyncio.wait_for(asyncio.gather(*calls), 30)
    log = local_aws.call_log("ecs:DescribeClusters")
    assert [call["parameters"]["clusters"] for call in log] == [[name] for name in names if name != "c-04"]
