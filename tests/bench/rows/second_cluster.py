"""The calls of another cluster in a namespace that has one already."""

import time

from bench.aws_calls import Call, by_operation, without_queue
from bench.bench import Bench
from bench.clusters import dask_cluster
from bench.figure import Figure
from bench.scene import Settings

_NAMESPACE = "second"


async def measure(bench: Bench) -> list[Figure]:
    """Count the calls from a cluster's creation until it is Ready, and from its deletion until it is gone."""
    workers = bench.size(10, short=2)
    async with bench.scene(Settings(profile="default" if bench.short else "fargate-like", events=True)) as scene:
        await scene.objects.make_namespaces([_NAMESPACE])
        await scene.objects.until_ready(
            await scene.objects.apply([dask_cluster("first", namespace=_NAMESPACE, workers=1)]), within=120
        )
        await scene.until_quiet(seconds=1, within=60)
        began = time.time()
        second = await scene.objects.apply([dask_cluster("second", namespace=_NAMESPACE, workers=workers)])
        await scene.objects.until_ready(second, within=120)
        created = await scene.calls.since(began)
        await scene.until_quiet(seconds=1, within=60)
        began = time.time()
        await scene.objects.delete(second)
        await scene.objects.until_gone(second, within=120)
        deleted = await scene.calls.since(began)
    what = f"the second cluster of a namespace, {workers} workers"
    return [
        _figure(f"calls to create {what}", created, at_most=8),
        _figure(f"calls to delete {what}", deleted, at_most=6),
    ]


def _figure(name: str, calls: list[Call], *, at_most: int) -> Figure:
    return Figure(
        name=name,
        measured=len(without_queue(calls)),
        unit="calls",
        at_most=at_most,
        note=f"{len(calls)} with those for ECS's events: {by_operation(calls)}",
    )
