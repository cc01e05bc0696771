"""From a task's death until its successor's RunTask."""

import asyncio
import random
import time

from bench.aws_calls import successful_run_tasks
from bench.bench import Bench
from bench.clusters import dask_cluster
from bench.figure import Figure, percentile
from bench.scene import Scene, Settings, events_are_known

# Each of the rounds kills a worker in ECS clusters that nothing happened in for so long (seconds): the operator looks
# seldom there. The moments are spread, so that none is nearer to a look than another.
_REST = 15.0
_SPREAD = 10.0
_INTERVAL = 60.0
"""Seconds between two looks that a user without events has to bear at most."""


async def measure(bench: Bench) -> list[Figure]:
    """Measure with polling and, where the operator takes them, with events."""
    figures: list[Figure] = []
    for events in (False, True) if events_are_known() else (False,):
        async with bench.scene(Settings(events=events)) as scene:
            seconds = await _latencies(scene, bench)
        how, limit = ("with events", 1.0) if events else ("polling", _INTERVAL)
        figures += [
            Figure(
                name=f"a task dies → its successor's RunTask, {how}, {label}",
                measured=percentile(seconds, share),
                unit="s",
                n=len(seconds),
                at_most=limit,
                compared="the task takes 0.2 s to be STOPPED",
            )
            for label, share in (("p50", 0.5), ("p99", 0.99))
        ]
    return figures


async def _latencies(scene: Scene, bench: Bench) -> list[float]:
    rounds, at_once = bench.size(3, short=1), bench.size(10, short=3)
    names = [f"successor-{index}" for index in range(at_once)]
    await scene.objects.make_namespaces(names)
    # Each cluster loses a worker once: after a second loss the operator may rightly wait.
    made = list(
        await scene.objects.apply(
            dask_cluster(f"demo-{number}", namespace=name, workers=2) for number in range(rounds) for name in names
        )
    )
    await scene.objects.until_ready(made, within=180)
    chance, latencies = random.Random(0), list[float]()
    for start in range(0, len(made), at_once):
        await asyncio.sleep(bench.size(_REST, short=3.0))
        chosen = made[start : start + at_once]
        victims = {uid: await asyncio.to_thread(_worker, scene, uid) for uid in chosen}
        began = time.time()
        killed = dict(
            await asyncio.gather(
                *(_kill(scene, uid, arn, after=chance.uniform(0, _SPREAD)) for uid, arn in victims.items())
            )
        )
        latencies += await _until_replaced(scene, killed, since=began)
    return latencies


def _worker(scene: Scene, uid: str) -> str:
    ecs_cluster = scene.objects.bodies[uid]["status"]["clusterArn"]
    return scene.account.live_tasks(ecs_cluster, uid=uid, role="worker")[0]["taskArn"]


async def _kill(scene: Scene, uid: str, arn: str, *, after: float) -> tuple[str, float]:
    await asyncio.sleep(after)
    moment = time.time()
    await asyncio.to_thread(scene.stack.aws.kill_container, arn)
    return uid, moment


async def _until_replaced(scene: Scene, killed: dict[str, float], *, since: float) -> list[float]:
    async with asyncio.timeout(2 * _INTERVAL):
        while True:
            calls = successful_run_tasks(await scene.calls.since(since))
            launched = {call.parameters["startedBy"].rpartition("/")[2]: call.at for call in reversed(calls)}
            if killed.keys() <= launched.keys():
                return [launched[uid] - moment for uid, moment in killed.items()]
            await asyncio.sleep(0.5)
