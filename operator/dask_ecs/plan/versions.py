"""Whether scheduler and workers have the same versions of what their messages are written and read with."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from dask_ecs.api.versions import ClusterVersions

if TYPE_CHECKING:
    from dask_ecs.plan.scheduler import SchedulerIdentity

# Workers that are asked: one image makes them all, so a few tell what is to be known and cost the scheduler little.
MOST_WORKERS = 4

_NAMES = ("python", "dask", "distributed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeenVersions:
    """What a scheduler said of itself and of the workers at the addresses that were `asked`."""

    scheduler_id: str
    asked: tuple[str, ...]
    cluster: ClusterVersions

    def still_hold(self, identity: SchedulerIdentity) -> bool:
        """Whether it is the same scheduler, and one of the workers that were asked is left, or there are none."""
        there = {worker.address for worker in identity.workers}
        return self.scheduler_id == identity.id and (not there or not there.isdisjoint(self.asked))


def to_ask(identity: SchedulerIdentity) -> tuple[str, ...]:
    """Return the addresses of the workers to ask: the newest, whose image an edit may have changed."""
    return tuple(worker.address for worker in identity.workers[-MOST_WORKERS:])


def differences(versions: ClusterVersions) -> tuple[str, ...]:
    """Return what scheduler and workers do not have in common, as `dask 2026.7.0 (the scheduler: 2026.8.0)`."""
    found = {
        f"{name} {theirs} (the scheduler: {ours})": None
        for worker in versions.workers
        for name in _NAMES
        if (ours := getattr(versions.scheduler, name)) != (theirs := getattr(worker, name))
        and not (name == "python" and _minor(ours) == _minor(theirs))
    }
    return tuple(found)


def _minor(python: str | None) -> str | None:
    """Return what of a Python's version decides whether it reads what another has pickled."""
    return python and ".".join(python.split(".")[:2])
