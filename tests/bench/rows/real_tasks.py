"""A cluster whose tasks are real Dask processes: it measures this machine as much as the operator."""

from bench.bench import Bench
from bench.clusters import dask_cluster
from bench.figure import Figure
from bench.scene import Settings

_WORKERS = 4


async def measure(bench: Bench) -> list[Figure]:
    """Measure until a small cluster of real processes is Ready."""
    async with bench.scene(Settings(executor="process")) as scene:
        await scene.objects.make_namespaces(["real"])
        ((uid, answered),) = (
            await scene.objects.apply([dask_cluster("demo", namespace="real", workers=_WORKERS)])
        ).items()
        await scene.objects.until_ready([uid], within=150)
        seconds = scene.objects.ready_at[uid] - answered
        await scene.clear()
    return [
        Figure(
            name=f"Ready, {_WORKERS} workers, real Dask processes (start 0.6 s)",
            measured=seconds,
            unit="s",
            note="IAM takes 2 s until a new role can be used; most of the rest is Python starting",
        )
    ]
