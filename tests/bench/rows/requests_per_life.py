"""What a cluster's life asks of the Kubernetes API."""

from bench.bench import Bench
from bench.clusters import dask_cluster
from bench.figure import Figure
from bench.scene import Settings

# dask-kubernetes' operator makes 56 for a scheduler and two workers, kopf's patches and its pods included.
_PEER = 56


async def measure(bench: Bench) -> list[Figure]:
    """Count all requests while clusters of two workers are made, become Ready and are deleted."""
    number = bench.size(20, short=3)
    async with bench.scene(Settings()) as scene:
        await scene.objects.make_namespaces(["life"])
        before = await scene.requests()
        made = await scene.objects.apply(
            dask_cluster(f"demo-{index}", namespace="life", workers=2) for index in range(number)
        )
        await scene.objects.until_ready(made, within=180)
        await scene.until_quiet(seconds=1, within=60)
        created = await scene.requests() - before
        await scene.clear()
        whole = await scene.requests() - before
    return [
        Figure(
            name="Kubernetes requests in a cluster's life (2 workers)",
            measured=whole.total / number,
            unit="requests",
            n=number,
            compared=f"dask-kubernetes {_PEER}",
            at_most=15,
            note=f"{whole}; of these until Ready {created.total}",
        )
    ]
