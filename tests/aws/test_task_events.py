"""The consumer of ECS's events, on a local AWS whose tasks really change."""

import asyncio
import contextlib
import inspect
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from dask_ecs.aws import events as aws_events
from dask_ecs.aws import operations, queue, tasks
from dask_ecs.aws.events import Events
from dask_ecs.aws.operations import Operation
from dask_ecs.aws.session import Aws, Sessions
from dask_ecs.controllers import task_events
from dask_ecs.controllers.task_events import TaskEvents
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.plan.observed import Task

SEND = Operation("sqs", "SendMessage", ())
DEFINITION: dict[str, Any] = {
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [{"name": "worker", "image": "busybox", "command": ["sleep", "60"]}],
}


class Tenant:
    """An install with a queue of its own, and what its consumer has heard."""

    def __init__(self, aws: Aws, queue_url: str, install: str) -> None:
        self.aws = aws
        self.queue_url = queue_url
        self.install = install
        self.cluster = ""
        self.heard: list[tuple[str, Task]] = []
        self.arrived = asyncio.Event()
        self._request: dict[str, Any] = {}

    async def prepare(self) -> None:
        """Make what its tasks need."""
        unique = uuid.uuid4().hex[:8]
        cluster = await self.aws.call(operations.CREATE_CLUSTER, clusterName=f"c-{unique}")
        self.cluster = cluster["cluster"]["clusterArn"]
        definition = await self.aws.call(operations.REGISTER_TASK_DEFINITION, family=f"f-{unique}", **DEFINITION)
        subnets = (await self.aws.call(operations.DESCRIBE_SUBNETS))["Subnets"]
        self._request = {
            "cluster": self.cluster,
            "taskDefinition": definition["taskDefinition"]["taskDefinitionArn"],
            "launchType": "FARGATE",
            "networkConfiguration": {
                "awsvpcConfiguration": {"subnets": [subnets[0]["SubnetId"]], "assignPublicIp": "ENABLED"}
            },
            "startedBy": f"dask/{self.install}/u-1",
        }

    async def run(self, *, count: int = 1) -> list[str]:
        """Run tasks; return their ARNs."""
        answer = await self.aws.call(operations.RUN_TASK, **self._request, count=count)
        return [task["taskArn"] for task in answer["tasks"]]

    async def stop(self, arn: str) -> None:
        await tasks.stop(self.aws, ecs_cluster=self.cluster, task_arn=arn, why="test")

    def hear(self, ecs_cluster: str, task: Task) -> None:
        self.heard.append((ecs_cluster, task))
        self.arrived.set()

    def newest(self, arn: str) -> Task | None:
        heard = [task for _, task in self.heard if task.arn == arn]
        return max(heard, key=lambda task: task.version, default=None)

    def consumer(self, on_task: Callable[[str, Task], None] | None = None) -> TaskEvents:
        return TaskEvents(self.aws, self.queue_url, install=self.install, on_task=on_task or self.hear)

    async def until(self, said: Callable[[], object]) -> None:
        """Wait until this is so, looking at it whenever something is heard."""
        async with asyncio.timeout(20):
            while not (await answer if inspect.isawaitable(answer := said()) else answer):
                self.arrived.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.arrived.wait(), 0.1)

    async def left(self) -> int:
        """Return how many messages the queue holds, hidden or not."""
        answer = await self.aws.call(aws_events.GET_QUEUE_ATTRIBUTES, QueueUrl=self.queue_url, AttributeNames=["All"])
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(answer["Attributes"][name]) for name in names)

    async def is_empty(self) -> bool:
        return await self.left() == 0


@contextlib.asynccontextmanager
async def running(events: TaskEvents) -> AsyncIterator[TaskEvents]:
    task = asyncio.create_task(events.run())
    try:
        yield events
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def tenant(aws: Aws) -> AsyncIterator[Tenant]:
    wanted = Events(install=uuid.uuid4().hex[:8])
    made = await aws_events.setup(aws, wanted)
    tenant = Tenant(aws, made.queue_url, wanted.install)
    await tenant.prepare()
    yield tenant
    await aws_events.teardown(aws, wanted)


async def test_a_task_is_followed_from_start_to_end(tenant: Tenant) -> None:
    async with running(tenant.consumer()):
        (arn,) = await tenant.run()
        await tenant.until(lambda: (task := tenant.newest(arn)) and task.is_running and task.private_ip)
        await tenant.stop(arn)
        await tenant.until(lambda: (task := tenant.newest(arn)) and task.is_stopped)
        await tenant.until(tenant.is_empty)
    assert {cluster for cluster, _ in tenant.heard} == {tenant.cluster}
    versions = [task.version for _, task in tenant.heard]
    assert len(set(versions)) == len(versions)


async def test_only_what_is_news_is_sent(tenant: Tenant) -> None:
    async with running(tenant.consumer()):
        (arn,) = await tenant.run()
        await tenant.until(lambda: (task := tenant.newest(arn)) and task.is_running)
        await tenant.stop(arn)
        await tenant.until(lambda: (task := tenant.newest(arn)) and task.is_stopped)
    seen = [(task.last_status, task.desired_status) for _, task in sorted(tenant.heard, key=lambda it: it[1].version)]
    assert seen == [
        ("RUNNING", "RUNNING"),
        ("RUNNING", "STOPPED"),
        ("DEPROVISIONING", "STOPPED"),
        ("STOPPED", "STOPPED"),
    ]


async def test_the_newest_event_says_what_describe_tasks_says(tenant: Tenant) -> None:
    async with running(tenant.consumer()):
        (arn,) = await tenant.run()
        await tenant.until(lambda: (task := tenant.newest(arn)) and task.is_running)
    described, _ = await tasks.describe(tenant.aws, ecs_cluster=tenant.cluster, arns=[arn])
    assert described == [tenant.newest(arn)]
    await tenant.stop(arn)


async def test_a_change_is_heard_of_long_before_a_long_poll_ends(tenant: Tenant) -> None:
    async with running(tenant.consumer()) as events:
        await tenant.until(lambda: events.healthy)
        began = time.monotonic()
        (arn,) = await tenant.run()
        await tenant.until(lambda: tenant.newest(arn))
        assert time.monotonic() - began < 10
    await tenant.stop(arn)


async def test_events_of_before_the_start_are_read(tenant: Tenant) -> None:
    (arn,) = await tenant.run()
    await tenant.until(tenant.left)
    async with running(tenant.consumer()):
        await tenant.until(lambda: tenant.newest(arn))
    await tenant.stop(arn)


async def test_tasks_of_another_install_are_not_told(tenant: Tenant, aws: Aws) -> None:
    async with running(tenant.consumer()):
        body = {"detail-type": "ECS Task State Change", "detail": event_detail("dask/other/u-1")}
        await aws.call(SEND, QueueUrl=tenant.queue_url, MessageBody=json.dumps(body))
        await tenant.until(tenant.is_empty)
    assert tenant.heard == []


async def test_what_can_not_be_read_is_deleted_and_said(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    async with running(tenant.consumer()) as events:
        await tenant.aws.call(SEND, QueueUrl=tenant.queue_url, MessageBody="gibberish")
        await tenant.until(tenant.is_empty)
        assert events.unreadable == 1
        assert events.healthy
    assert caplog.text.count("gibberish") == 1


async def test_an_event_that_was_not_handled_stays_in_the_queue(tenant: Tenant) -> None:
    tried = asyncio.Event()

    def fail(ecs_cluster: str, task: Task) -> None:
        tried.set()
        raise RuntimeError("a bug")

    async with running(tenant.consumer(fail)) as events:
        (arn,) = await tenant.run()
        async with asyncio.timeout(20):
            await tried.wait()
        assert events.unhandled >= 1
    assert await tenant.left() >= 1
    await tenant.stop(arn)


async def test_while_receiving_fails_it_is_not_healthy_and_then_it_is_again(
    tenant: Tenant, local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tenant.consumer()) as events:
        await tenant.until(lambda: events.healthy)
        local_aws.fault("sqs:ReceiveMessage", code="AccessDenied", message="not authorized", count=2)
        (arn,) = await tenant.run()  # ends the long poll that is under way
        await tenant.until(lambda: not events.healthy)
        await tenant.until(lambda: events.healthy)
        await tenant.until(lambda: (task := tenant.newest(arn)) and task.is_running)
    assert not events.healthy
    await tenant.stop(arn)


async def test_a_queue_that_is_not_there_is_said(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    tenant.queue_url += "-other"
    async with running(tenant.consumer()) as events:
        await tenant.until(lambda: events.failures)
        assert not events.healthy
    tenant.queue_url = tenant.queue_url.removesuffix("-other")
    assert "The specified queue does not exist" in caplog.text


async def test_a_full_queue_is_emptied_by_many_receivers(tenant: Tenant, sessions: Sessions) -> None:
    for _ in range(20):
        await tenant.run(count=10)

    async def all_are_there() -> bool:
        return await tenant.left() >= 200

    await tenant.until(all_are_there)
    sessions.calls.clear()
    async with running(tenant.consumer()):
        await tenant.until(lambda: len(tenant.heard) >= 200)
        await tenant.until(tenant.is_empty)
    assert sessions.calls["sqs:DeleteMessageBatch"] < 200 / queue.MOST_MESSAGES + task_events.RECEIVERS + 2


async def test_an_idle_queue_is_asked_once_a_long_poll(
    tenant: Tenant, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_events, "LONGEST_WAIT", 1)
    sessions.calls.clear()
    async with running(tenant.consumer()):
        await asyncio.sleep(2.5)
    assert 2 <= sessions.calls["sqs:ReceiveMessage"] <= 4  # the first does not wait


def event_detail(started_by: str) -> dict[str, object]:
    arn = "arn:aws:ecs:eu-west-1:123456789012"
    return {
        "clusterArn": f"{arn}:cluster/c",
        "taskArn": f"{arn}:task/c/1",
        "taskDefinitionArn": f"{arn}:task-definition/f:1",
        "containers": [{"name": "worker"}],
        "startedBy": started_by,
        "lastStatus": "RUNNING",
        "desiredStatus": "RUNNING",
        "createdAt": "2026-11-22T20:55:49.725Z",
        "version": 3,
    }
