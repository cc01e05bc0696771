"""How calls, CPU, memory, a restart and a new cluster's start grow with the number of clusters."""

import asyncio
import math
from collections.abc import Sequence

from bench.bench import Bench
from bench.figure import Figure, percentile
from bench.observation import restart_seconds, steady
from bench.preload import Preload
from bench.rows import first_launch
from bench.scene import Settings, events_are_known, slow_down

_WORKERS = 2
_ECS_CLUSTERS = 10
# What kopf alone takes as an informer of so many objects, and what the operator may take, both in MB.
_MEMORY = {0: (95, 160), 10_000: (234, 400)}


async def measure(bench: Bench) -> list[Figure]:
    """Measure everything at each number of clusters, then how fast it grew at the end."""
    sizes = bench.size((10, 100, 1_000, 10_000), short=(4, 8))
    mode = Settings(events=events_are_known())
    async with bench.scene(mode) as scene:
        await asyncio.sleep(1)
        figures = [_memory(0, scene.operator.rss_mb)]
        preload = await Preload.begin(scene, workers=_WORKERS, ecs_clusters=bench.size(_ECS_CLUSTERS, short=2))
        for size in sizes:
            await preload.grow_to(size)
            slow_down(scene.stack, mode)
            await asyncio.to_thread(scene.operator.restart)
            await scene.until_quiet(seconds=bench.size(30, short=2), within=240 + size / 10)
            seen = await steady(scene, minutes=bench.size(0.5, short=0.05))
            launches = await first_launch.latencies(
                scene,
                n=bench.size(10, short=2),
                namespace=scene.objects.bodies[preload.uids[0]]["metadata"]["namespace"],
                ecs_cluster=preload.templates[0].ecs_cluster,
            )
            restart = await restart_seconds(scene, preload.uids, canaries=10)
            figures += [
                _memory(size, seen.rss_mb),
                _at(size, "ECS calls a minute at rest", seen.ecs_calls_a_minute, unit="calls/min"),
                _at(size, "CPU at rest", seen.cpu_percent, unit="% of a core"),
                _at(size, "apply → first RunTask, p50", percentile(launches, 0.5), unit="s"),
                _at(size, "restart until all are observed", restart, unit="s"),
            ]
            if size != sizes[-1]:
                await asyncio.to_thread(scene.operator.terminate)
    return [*figures, *_growth(figures)]


def _memory(size: int, rss_mb: float) -> Figure:
    alone, limit = _MEMORY.get(size, (None, None))
    return Figure(
        name=f"memory, {size:,} clusters of {1 + _WORKERS} tasks",
        series="memory",
        at=size,
        measured=rss_mb,
        unit="MB",
        compared=f"kopf alone {alone} MB" if alone else "",
        at_most=limit,
    )


def _at(size: int, series: str, value: float, *, unit: str) -> Figure:
    return Figure(name=f"{series}, {size:,} clusters", series=series, at=size, measured=value, unit=unit)


def _growth(figures: Sequence[Figure]) -> list[Figure]:
    """Return for each series the power of the number by which it grew in the last step: 1 is linear."""
    grown = []
    for series in dict.fromkeys(figure.series for figure in figures):
        before, last = [figure for figure in figures if figure.series == series][-2:]
        # What is near nothing at first has no growth that could be told from noise.
        if before.measured and last.measured and before.at and last.at:
            power = math.log(last.measured / before.measured) / math.log(last.at / before.at)
            grown.append(
                Figure(
                    name=f"growth of {series}, {before.at:,} → {last.at:,}",
                    measured=round(power, 2),
                    unit="",
                    compared="linear is 1",
                    at_most=1.0,
                )
            )
    return grown
