"""How many threads and how much memory a worker is told to have: what of its task is Dask's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dask_ecs.plan import run_task_overrides

if TYPE_CHECKING:
    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.observed import GivenDefinition


def threads(spec: DaskClusterSpec, given: GivenDefinition | None) -> int:
    """Return what the spec says, else one thread for each whole vCPU, at least one.

    Raises:
        NeedsUser: see `run_task_overrides.given`.

    """
    if spec.worker.threads:
        return spec.worker.threads
    others = given.others_cpu_units if given else spec.worker.sidecar_cpu_units
    units = _overridden(spec, given, "cpu", others=others) or (given.cpu_units if given else None)
    return max(units // 1024, 1) if units else spec.worker.thread_count


def memory_mib(spec: DaskClusterSpec, given: GivenDefinition | None) -> int:
    """Return the memory in MiB; errors as `threads`."""
    others = given.others_memory_mib if given else spec.worker.sidecar_memory_mib
    return (
        _overridden(spec, given, "memory", others=others)
        or (given.memory_mib if given else None)
        or spec.worker.memory_mib - spec.worker.sidecar_memory_mib
    )


def _overridden(
    spec: DaskClusterSpec, given: GivenDefinition | None, what: run_task_overrides.What, *, others: int | None
) -> int | None:
    """Return what runTaskOverrides make of it: the container's own, else what others leave of the task's."""
    overrides: dict[str, Any] = run_task_overrides.given(spec, "worker").get("overrides", {})
    container = given.container if given else "worker"
    for one in overrides.get("containerOverrides", ()):
        if one.get("name") == container and (own := run_task_overrides.amount(one.get(what))):
            return own
    of_task = run_task_overrides.amount_of_task(spec, "worker", what)
    return None if others is None or of_task is None else max(of_task - others, 1)
