"""What of an operator can be watched while many clusters are there: calls, CPU, memory, and its start."""

import asyncio
import time
from dataclasses import dataclass

from bench.aws_calls import Call, successful_run_tasks
from bench.kubernetes_requests import Requests
from bench.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Steady:
    """Some minutes in which nothing was to be done."""

    minutes: float
    calls: list[Call]
    cpu_percent: float
    """Of one core."""
    rss_mb: float

    @property
    def ecs_calls_a_minute(self) -> float:
        return sum(call.operation.startswith("ecs:") for call in self.calls) / self.minutes


async def steady(scene: Scene, *, minutes: float) -> Steady:
    """Watch the operator while nothing is to be done."""
    began, cpu = time.time(), scene.operator.cpu_seconds
    await asyncio.sleep(60 * minutes)
    took, used = time.time() - began, scene.operator.cpu_seconds - cpu
    return Steady(
        minutes=took / 60,
        calls=await scene.calls.since(began),
        cpu_percent=100 * used / took,
        rss_mb=scene.operator.rss_mb,
    )


@dataclass(frozen=True, kw_only=True)
class Restart:
    """What an operator asked of AWS and of Kubernetes after its start, when nothing was to be done."""

    calls: list[Call]
    requests: Requests


async def idle_restart(scene: Scene, *, rest: float) -> Restart:
    """Stop and start the operator, and count until it rests for so many seconds. Raises TimeoutError."""
    await asyncio.to_thread(scene.operator.terminate)
    began, before = time.time(), await scene.requests()
    await asyncio.to_thread(scene.operator.restart)
    await scene.until_quiet(seconds=rest, within=120)
    return Restart(calls=await scene.calls.since(began), requests=await scene.requests() - before)


async def restart_seconds(scene: Scene, uids: list[str], *, canaries: int) -> float:
    """Kill the operator, edit some clusters meanwhile, start it; return the seconds until it acted on the last edit.

    That a settled cluster has been observed can not be seen from outside: nothing is written. So each of the canaries,
    taken evenly from first to last, is to have one worker more, and an operator that has seen all of them has asked for
    these workers. It returns once they have joined. Raises TimeoutError, DeadlineError.
    """
    await asyncio.to_thread(scene.operator.sigkill)
    step = max(1, (len(uids) - 1) // max(1, canaries - 1))
    chosen = {*uids[::step], uids[-1]}
    replicas = int(scene.objects.bodies[uids[0]]["spec"]["worker"]["replicas"]) + 1
    await scene.objects.patch(chosen, {"spec": {"worker": {"replicas": replicas}}})
    began = time.time()
    await asyncio.to_thread(scene.operator.restart)
    async with asyncio.timeout(180 + len(uids) / 20):
        while True:
            calls = await scene.calls.since(began)
            launched = {call.parameters["startedBy"].rpartition("/")[2]: call for call in successful_run_tasks(calls)}
            if chosen <= launched.keys():
                break
            await asyncio.sleep(0.5)
    await scene.objects.until_ready(chosen, within=120)
    return max(launched[uid].at for uid in chosen) - began
