"""A paused object: what is, is told; nothing is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dask_ecs.api import annotation
from dask_ecs.plan import conditions

if TYPE_CHECKING:
    import datetime

    from dask_ecs.api.status import DaskClusterStatus
    from dask_ecs.plan.target import Target

PAUSED = "Paused"


def is_paused(target: Target) -> bool:
    """Whether somebody has asked for nothing to be done."""
    return annotation.is_paused(target.cluster.metadata.annotations)


def status(target: Target, said: DaskClusterStatus, *, now: datetime.datetime) -> DaskClusterStatus:
    """Return a status with what has to be said of a pause; what was made and launched stays as it was."""
    before, metadata = target.cluster.status, target.cluster.metadata
    waits = "it is not deleted" if metadata.deletion_timestamp else "no edit takes effect and nothing is replaced"
    message = f"Paused by the annotation {annotation.PAUSED}: {waits} until that is removed."
    paused = conditions.Said(status="False", reason=PAUSED, message=message)
    # kstatus: what is neither reconciling nor stalled is what it is by Ready.
    stamped = conditions.stamp(
        said.conditions, {"Reconciling": paused, "Stalled": paused}, generation=metadata.generation, now=now
    )
    kept = {name: getattr(before, name) for name in ("made", "rest", "observed_generation")}
    return said.model_copy(update={**kept, "conditions": stamped})
