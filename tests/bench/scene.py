"""Where a row is measured: a control plane, a local AWS as slow and as strict as AWS, the operator's own process."""

import asyncio
import contextlib
import dataclasses
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import boto3
import psutil

from bench import kubernetes_requests
from bench.aws_calls import AwsCalls
from bench.kubernetes_requests import Requests
from bench.objects import Objects
from dask_ecs.local.aws.delays import PROFILES, Delays
from dask_ecs.local.stack import Stack
from e2e.aws_account import AwsAccount
from e2e.operator_process import OperatorProcess

OPERATOR = "operator"
"""The operator's access key, by which its calls are told from the harness's."""

_DASK_ECS = Path(sys.executable).parent / "dask-ecs"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How a scene is set: which times tasks take, whether they are real, how long a call takes (seconds)."""

    profile: Literal["default", "fargate-like"] = "default"
    executor: Literal["process", "sim"] = "sim"
    latency: float = 0.03
    throttle: bool = True
    events: bool = False


class Operator(OperatorProcess):
    """The operator's process, and what it uses."""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def rss_mb(self) -> float:
        """Resident memory in MB (10^6 bytes)."""
        return float(psutil.Process(self.pid).memory_info().rss / 1e6)

    @property
    def cpu_seconds(self) -> float:
        """CPU time so far, user and system."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scene:
    """A scene that is set; ``calls`` are the operator's to AWS, ``events_queue`` the queue's URL if there is one."""

    stack: Stack
    objects: Objects
    calls: AwsCalls
    operator: Operator
    events_queue: str | None

    @property
    def account(self) -> AwsAccount:
        """The AWS account, as somebody else sees it."""
        return AwsAccount(self.stack.aws)

    async def requests(self) -> Requests:
        """Return what the operator asked of Kubernetes so far."""
        return kubernetes_requests.read(await self.objects.api_server_metrics())

    async def forget_events(self, *, within: float = 120.0) -> None:
        """Empty the queue of what happened while the operator was not there, once nothing more comes."""
        deadline, still = time.monotonic() + within, 0
        while self.events_queue and still < 3:
            if time.monotonic() > deadline:
                raise TimeoutError(f"events came for more than {within:.0f} s")
            still = still + 1 if await asyncio.to_thread(_purge, self.stack, self.events_queue) == 0 else 0
            await asyncio.sleep(0.5)

    async def clear(self, *, within: float = 120.0) -> None:
        """Delete all DaskClusters, and wait until the operator has let them go."""
        uids = list(self.objects.bodies)
        await self.objects.delete(uids)
        await self.objects.until_gone(uids, within=within)

    async def until_quiet(self, *, seconds: float, within: float) -> None:
        """Wait until the operator has neither asked AWS to change anything nor written to Kubernetes for so long."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            began, before = time.time(), await self.requests()
            await asyncio.sleep(seconds)
            changing = [call for call in await self.calls.since(began) if not _only_reads(call.operation)]
            if not changing and not (await self.requests() - before).writes:
                return
        raise TimeoutError(f"the operator did not come to rest within {within:.0f} s")


@contextlib.asynccontextmanager
async def opened(folder: Path, settings: Settings) -> AsyncIterator[Scene]:
    """Set the scene until the block ends. The operator's log is in `folder`."""
    async with contextlib.AsyncExitStack() as ending:
        stack = ending.enter_context(Stack.start(executor=settings.executor))
        aws = stack.aws
        slow_down(stack, settings)
        assert stack.control_plane is not None
        token = await asyncio.to_thread(kubernetes_requests.prepare, stack.kubeconfig)
        kubeconfig = folder / "operator.kubeconfig"
        kubeconfig.write_text(stack.control_plane.service_account_kubeconfig(token))
        environment = {**stack.environment, "KUBECONFIG": str(kubeconfig), "AWS_ACCESS_KEY_ID": OPERATOR}
        queue = await asyncio.to_thread(_set_up_events, stack) if settings.events else None
        options = ["--all-namespaces", *(["--events-queue", queue] if queue else [])]
        objects = await ending.enter_async_context(Objects.opened(stack.kubeconfig))
        calls = await ending.enter_async_context(AwsCalls(aws, OPERATOR).recorded())
        log = folder / "operator.log"
        log.unlink(missing_ok=True)  # one of a former scene
        operator = Operator(*options, environment=environment, log=log)
        ending.push_async_callback(asyncio.to_thread, operator.__exit__, None, None, None)
        await asyncio.to_thread(operator.wait_until_ready)
        yield Scene(stack=stack, objects=objects, calls=calls, operator=operator, events_queue=queue)


def slow_down(stack: Stack, settings: Settings) -> None:
    """Let AWS take its time, and refuse what is too much."""
    aws = stack.aws
    aws.clear_faults()
    aws.delays(**{**dataclasses.asdict(Delays()), **PROFILES[settings.profile]})
    if settings.latency:
        aws.fault("*", latency=settings.latency)
    aws.set_throttle(on=settings.throttle)


def speed_up(stack: Stack) -> None:
    """Let AWS do everything at once, for what is not measured."""
    aws = stack.aws
    aws.clear_faults()
    aws.set_throttle(on=False)
    aws.delays(provisioning=0.0, pending=0.0, deprovisioning=0.0, role_assumable=0.0)


def events_are_known() -> bool:
    """Whether this operator takes ECS' events from a queue."""
    shown = subprocess.run([_DASK_ECS, "run", "--help"], capture_output=True, text=True, check=True).stdout
    return "--events-queue" in shown


def _set_up_events(stack: Stack) -> str:
    """Make rule and queue; return the queue's URL."""
    done = subprocess.run(
        [_DASK_ECS, "events", "setup"], env=stack.environment, capture_output=True, text=True, check=True, timeout=60
    )
    found = re.search(r"https?://\S+", done.stdout)
    assert found, done.stdout
    return found.group()


def _purge(stack: Stack, queue_url: str) -> int:
    """Delete a queue's messages; return how many there were."""
    aws = stack.aws
    sqs: Any = boto3.client(
        "sqs",
        endpoint_url=aws.url,
        region_name=aws.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    name = "ApproximateNumberOfMessages"
    count = int(sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])["Attributes"][name])
    sqs.purge_queue(QueueUrl=queue_url)
    return count


def _only_reads(operation: str) -> bool:
    return operation.partition(":")[2].startswith(("Describe", "List", "Get", "ReceiveMessage", "DeleteMessage"))
