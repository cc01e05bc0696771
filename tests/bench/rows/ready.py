"""A cluster of 32 workers on Fargate as slow as Fargate is: until it is Ready, and all calls of its life."""

import asyncio
import statistics
import time

from bench import peer
from bench.account_contents import contents
from bench.aws_calls import Call, by_operation, throttled, without_queue
from bench.bench import Bench
from bench.clusters import dask_cluster
from bench.figure import Figure
from bench.scene import Scene, Settings

# Seconds, of the profile "fargate-like". Workers need the scheduler's address, which is there once its network
# interface is; each task takes 28 s to start. Cold, nothing starts before ECS can assume the roles that were just made.
FLOOR = 8.0 + 28.0
COLD_FLOOR = 8.0 + FLOOR

_PEER_CALLS = {"create": 1309, "delete": 66}  # measured before, for when no peer is at hand


async def measure(bench: Bench) -> list[Figure]:
    """Measure a cold creation, a still minute, the deletion; then creations beside another cluster; then the peer."""
    workers, repeats = bench.size(32, short=3), bench.size(2, short=1)
    async with bench.scene(Settings(profile="default" if bench.short else "fargate-like", events=True)) as scene:
        before = await asyncio.to_thread(contents, scene.account)
        created, cold = await _create(scene, "ready", workers=workers, new=True)
        still, minutes = await _stillness(scene, bench)
        deleted = await _delete_all(scene)
        left = await asyncio.to_thread(contents, scene.account) - before
        warm = await _warm(scene, workers=workers, repeats=repeats)
        theirs = None
        if bench.peers and not bench.short:
            theirs = await peer.measure(scene.stack, bench.peers, workers=workers)
    figures = [
        Figure(
            name=f"Ready, {workers} workers, in a namespace that has a cluster",
            measured=statistics.median(warm),
            unit="s",
            n=repeats,
            compared=f"floor {FLOOR:.0f} s",
            at_most=round(1.1 * FLOOR, 1),
            note=f"from {min(warm):.1f} to {max(warm):.1f} s",
        ),
        Figure(
            name=f"Ready, {workers} workers, cold",
            measured=cold,
            unit="s",
            compared=f"floor {COLD_FLOOR:.0f} s",
            at_most=round(1.1 * COLD_FLOOR, 1),
        ),
        Figure(
            name=f"calls to create {workers} workers, cold",
            measured=len(without_queue(created)),
            unit="calls",
            compared=f"peer {theirs.create_calls if theirs else _PEER_CALLS['create']}",
            at_most=45,
            note=_with_queue(created),
        ),
        Figure(
            name="throttled while creating",
            measured=throttled(created),
            unit="calls",
            at_most=0,
            compared=f"peer {theirs.throttled}" if theirs else "",
        ),
        Figure(
            name="ECS calls a minute when all is still",
            measured=_ecs(still) / minutes,
            unit="calls",
            at_most=1,
            compared="peer 0",
            note=by_operation(still),
        ),
        Figure(
            name=f"calls to delete {workers} workers",
            measured=len(without_queue(deleted)),
            unit="calls",
            compared=f"peer {theirs.delete_calls if theirs else _PEER_CALLS['delete']}",
            at_most=15,
            note=_with_queue(deleted),
        ),
        Figure(
            name="things left after the last delete",
            measured=len(left),
            unit="",
            at_most=0,
            compared=f"peer {theirs.left}" if theirs else "",
            note=", ".join(sorted(left)[:5]),
        ),
    ]
    if theirs:
        figures.insert(
            2,
            Figure(
                name=f"Ready, {workers} workers, cold: how much faster than the peer",
                measured=theirs.ready / cold,
                unit="times",
                compared=f"peer {theirs.ready:.1f} s",
                at_least=1.5,
                note="the peer is done when its tasks run, ours when its workers have joined",
            ),
        )
    return figures


async def _create(scene: Scene, namespace: str, *, workers: int, new: bool = False) -> tuple[list[Call], float]:
    if new:
        await scene.objects.make_namespaces([namespace])
    began = time.time()
    ((uid, answered),) = (
        await scene.objects.apply([dask_cluster(f"of-{workers}", namespace=namespace, workers=workers)])
    ).items()
    await scene.objects.until_ready([uid], within=180)
    return await scene.calls.since(began), scene.objects.ready_at[uid] - answered


async def _warm(scene: Scene, *, workers: int, repeats: int) -> list[float]:
    await _create(scene, "ready-warm", workers=0, new=True)
    seconds = []
    for _ in range(repeats):
        others = set(scene.objects.bodies)
        seconds.append((await _create(scene, "ready-warm", workers=workers))[1])
        mine = scene.objects.bodies.keys() - others
        await scene.objects.delete(mine)
        await scene.objects.until_gone(mine, within=180)
    await scene.clear(within=180)
    return seconds


async def _stillness(scene: Scene, bench: Bench) -> tuple[list[Call], float]:
    """Return the calls while nothing happens, and in how many minutes."""
    await asyncio.sleep(bench.size(30, short=1))  # for what follows a start
    began, minutes = time.time(), bench.size(1.0, short=0.03)
    await asyncio.sleep(60 * minutes)
    return await scene.calls.since(began), minutes


async def _delete_all(scene: Scene) -> list[Call]:
    began = time.time()
    await scene.clear(within=180)
    return await scene.calls.since(began)


def _with_queue(calls: list[Call]) -> str:
    return f"{len(calls)} with those for ECS's events: {by_operation(calls)}"


def _ecs(calls: list[Call]) -> int:
    return sum(call.operation.startswith("ecs:") for call in calls)
