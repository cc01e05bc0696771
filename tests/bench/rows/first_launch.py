"""From `kubectl apply` until AWS has the scheduler's RunTask, with nothing else to do."""

import asyncio
import time

from bench.bench import Bench
from bench.clusters import dask_cluster
from bench.figure import Figure, percentile
from bench.scene import Scene, Settings

_NAMESPACE = "first-launch"


async def measure(bench: Bench) -> list[Figure]:
    """Measure it with one other cluster there."""
    async with bench.scene(Settings()) as scene:
        await scene.objects.make_namespaces([_NAMESPACE])
        warm = await scene.objects.apply([dask_cluster("warm", namespace=_NAMESPACE, workers=0)])
        await scene.objects.until_ready(warm, within=120)
        seconds = await latencies(scene, n=bench.size(50, short=3), namespace=_NAMESPACE)
    return figures(seconds, there="warm, idle")


async def latencies(scene: Scene, *, n: int, namespace: str, ecs_cluster: str | None = None) -> list[float]:
    """Make clusters one after the other, each once the one before is Ready; return the seconds to the first RunTask.

    They begin when the API server has answered, and end when the call reaches AWS. The clusters are deleted then.
    """
    began, applied = time.time(), dict[str, float]()
    for number in range(n):
        body = dask_cluster(f"launch-{number}", namespace=namespace, workers=0, ecs_cluster=ecs_cluster)
        made = await scene.objects.apply([body])
        await scene.objects.until_ready(made, within=120)
        applied |= made
        await asyncio.sleep(0.2)  # so that what follows a start is not in the next one's way
    first = await scene.calls.first_run_task(applied, since=began)
    await scene.objects.delete(applied)
    await scene.objects.until_gone(applied, within=180)
    return [first[uid] - applied[uid] for uid in applied]


def figures(seconds: list[float], *, there: str) -> list[Figure]:
    """Return median and 99th percentile."""
    return [
        Figure(
            name=f"apply → first RunTask, {there}, {label}",
            measured=percentile(seconds, share),
            unit="s",
            n=len(seconds),
            compared="a call takes 0.03 s",
            at_most=limit,
        )
        for label, share, limit in (("p50", 0.5, 0.25), ("p99", 0.99, 1.0))
    ]
