"""A thousand clusters of ten workers that only run: calls, CPU, memory, a restart, and how soon a new one starts."""

import asyncio

from bench.aws_calls import by_operation
from bench.bench import Bench
from bench.figure import Figure
from bench.observation import idle_restart, restart_seconds, steady
from bench.preload import Preload
from bench.profile import ProfileError, top_functions
from bench.rows import first_launch
from bench.scene import Scene, Settings, events_are_known, slow_down

_ECS_CLUSTERS = 10
_WORKERS = 10

# ListTasks and DescribeTasks take 100 tasks: 11,000 are 110 and 110 calls, in the ten minutes that lie between two
# sweeps when events tell of changes.
_FLOOR = 22


async def measure(bench: Bench) -> list[Figure]:
    """Measure with polling and, where the operator takes them, with events; the rest in the last of these scenes."""
    modes = [Settings(events=False), *([Settings(events=True)] if events_are_known() and not bench.short else [])]
    figures: list[Figure] = []
    for mode in modes:
        async with bench.scene(mode) as scene:
            clusters = bench.size(1000, short=6)
            preload = await Preload.begin(
                scene, workers=bench.size(_WORKERS, short=2), ecs_clusters=bench.size(_ECS_CLUSTERS, short=2)
            )
            await preload.grow_to(clusters)
            slow_down(scene.stack, mode)
            await asyncio.to_thread(scene.operator.restart)
            await scene.until_quiet(seconds=bench.size(15, short=2), within=120)
            figures += await _steady(scene, bench, clusters=clusters, events=mode.events)
            if mode is modes[-1]:
                figures += await _profile(scene, bench, clusters=clusters)
                figures += await _restart(scene, bench, preload.uids)
                await scene.until_quiet(seconds=bench.size(15, short=2), within=120)
                namespace = scene.objects.bodies[preload.uids[0]]["metadata"]["namespace"]
                seconds = await first_launch.latencies(
                    scene,
                    n=bench.size(50, short=1),
                    namespace=namespace,
                    ecs_cluster=preload.templates[0].ecs_cluster,
                )
                figures += first_launch.figures(seconds, there=f"{clusters} objects there")
    return figures


async def _steady(scene: Scene, bench: Bench, *, clusters: int, events: bool) -> list[Figure]:
    seen = await steady(scene, minutes=bench.size(3.0, short=0.03))
    how = "with events" if events else "polling"
    return [
        Figure(
            name=f"ECS calls a minute, {clusters} clusters at rest, {how}",
            measured=seen.ecs_calls_a_minute,
            unit="calls/min",
            n=len(seen.calls),
            compared=f"floor {_FLOOR}/min by sweep",
            at_most=25 if events else 240,
            note=f"in {seen.minutes:.1f} min: {by_operation(seen.calls)}",
        ),
        Figure(
            name=f"operator's CPU, {clusters} clusters at rest, {how}",
            measured=seen.cpu_percent,
            unit="% of a core",
            at_most=5,
        ),
        Figure(
            name=f"memory, {clusters} clusters, {how}",
            measured=seen.rss_mb,
            unit="MB",
            compared="kopf alone 150 MB",
            at_most=220,
        ),
    ]


async def _profile(scene: Scene, bench: Bench, *, clusters: int) -> list[Figure]:
    name = f"where the CPU goes, {clusters} clusters at rest: the first function's share"
    try:
        top = await top_functions(scene.operator.pid, seconds=bench.size(30, short=1), folder=bench.folder)
    except ProfileError as error:
        return [Figure(name=name, measured=None, unit="%", note=str(error))]
    shown = "; ".join(f"{100 * share:.0f} % {function}" for share, function in top[:8])
    return [Figure(name=name, measured=100 * top[0][0] if top else None, unit="%", note=shown or "no CPU was used")]


async def _restart(scene: Scene, bench: Bench, uids: list[str]) -> list[Figure]:
    still = await idle_restart(scene, rest=bench.size(15, short=2))
    seconds = await restart_seconds(scene, uids, canaries=20)
    what = f"restart with {len(uids)} clusters"
    return [
        Figure(
            name=f"{what}: until all are observed again",
            measured=seconds,
            unit="s",
            at_most=15,
            note="from the start of the process until the last RunTask for clusters that were edited while it was down",
        ),
        Figure(
            name=f"{what}: calls",
            measured=len(still.calls),
            unit="calls",
            at_most=300,
            note=by_operation(still.calls),
        ),
        Figure(
            name=f"{what}: writes",
            measured=still.requests.writes,
            unit="writes",
            at_most=0,
            note=str(still.requests),
        ),
    ]
