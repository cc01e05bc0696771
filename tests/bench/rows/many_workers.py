"""One cluster to a thousand workers."""

import time

from bench.aws_calls import by_operation, successful_run_tasks, throttled
from bench.bench import Bench
from bench.clusters import dask_cluster
from bench.figure import Figure
from bench.scene import Settings

# AWS: "Request throttling for the Amazon ECS API": 100 Fargate tasks at once and 20 a second after that.
_AT_ONCE, _A_SECOND = 100, 20


async def measure(bench: Bench) -> list[Figure]:
    """Scale a Ready cluster, and measure until the last RunTask."""
    workers = bench.size(1000, short=25)
    async with bench.scene(Settings()) as scene:
        await scene.objects.make_namespaces(["many-workers"])
        made = await scene.objects.apply([dask_cluster("demo", namespace="many-workers", workers=0)])
        await scene.objects.until_ready(made, within=120)
        await scene.until_quiet(seconds=bench.size(5, short=1), within=60)  # by then the quota is whole again
        began = await scene.objects.patch(made, {"spec": {"worker": {"replicas": workers}}})
        (uid,) = made
        await scene.objects.until(
            lambda: scene.objects.bodies[uid]["status"]["workers"]["running"] == workers,
            within=bench.size(240, short=60),
            what=lambda: str(scene.objects.bodies[uid]["status"]["workers"]),
        )
        calls = await scene.calls.since(began)
        ready = time.time() - began
    launches = successful_run_tasks(calls)
    return [
        Figure(
            name=f"one cluster to {workers} workers: last RunTask",
            measured=launches[-1].at - began,
            unit="s",
            compared=f"floor {max(0.0, (workers - _AT_ONCE) / _A_SECOND):.0f} s (quota)",
            at_most=50,
            note=f"all workers there after {ready:.1f} s",
        ),
        Figure(
            name=f"one cluster to {workers} workers: RunTask calls",
            measured=len(launches),
            unit="calls",
            compared=f"floor {-(-workers // 10)}",
            note=by_operation(calls),
        ),
        Figure(name=f"one cluster to {workers} workers: throttled", measured=throttled(calls), unit="calls", at_most=0),
    ]
