"""Whether scheduler, workers and clients have the same versions of what their messages are written and read with."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from dask_ecs.api.versions import ClusterVersions, Versions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dask_ecs.plan.scheduler import SchedulerIdentity

# Workers that are asked: one image makes them all, so a few tell what is to be known and cost the scheduler little.
MOST_WORKERS = 4

_NAMES = ("python", "dask", "distributed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeenVersions:
    """What a scheduler said of itself, of the workers at the addresses that were `asked`, and of its clients."""

    scheduler_id: str
    asked: tuple[str, ...]
    cluster: ClusterVersions

    def still_hold(self, identity: SchedulerIdentity) -> bool:
        """Whether it is the same scheduler, and one of the workers that were asked is left, or there are none."""
        there = {worker.address for worker in identity.workers}
        return self.scheduler_id == identity.id and (not there or not there.isdisjoint(self.asked))

    def with_clients(self, connected: Iterable[Versions]) -> SeenVersions:
        """Return the same with those of connected clients that have others than the scheduler; most have the same."""
        others = tuple(client for client in connected if differences(self.cluster.scheduler, [client]))
        if others == self.cluster.clients:
            return self
        return dataclasses.replace(self, cluster=self.cluster.model_copy(update={"clients": others}))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mismatch:
    """In what they differ: a condition's reason, and a message with the way out."""

    reason: str
    message: str


def to_ask(identity: SchedulerIdentity) -> tuple[str, ...]:
    """Return the addresses of the workers to ask: the newest, whose image an edit may have changed."""
    return tuple(worker.address for worker in identity.workers[-MOST_WORKERS:])


def differences(scheduler: Versions, others: Iterable[Versions]) -> tuple[str, ...]:
    """Return what others do not have in common with a scheduler, as `dask 2026.7.0 (the scheduler: 2026.8.0)`."""
    found = {
        f"{name} {theirs or 'missing'} (the scheduler: {ours})": None
        for other in others
        for name in _NAMES
        if (ours := getattr(scheduler, name)) != (theirs := getattr(other, name))
        and not (name == "python" and _minor(ours) == _minor(theirs))
    }
    return tuple(found)


def mismatch(seen: ClusterVersions) -> Mismatch | None:
    """Return in what scheduler, workers and clients differ, and what to do about it."""
    workers, clients = (differences(seen.scheduler, others) for others in (seen.workers, seen.clients))
    messages = []
    if workers:
        messages.append(
            f"Workers have {', '.join(workers)}. What one has pickled another may fail to read: give scheduler and "
            "workers the same image (spec.image, without scheduler.image and worker.image), by a tag that does not "
            "move."
        )
    if clients:
        messages.append(
            f"A connected client has {', '.join(clients)}. What it has pickled workers may fail to read, and the other "
            f"way round: give it {_named(seen.scheduler)}, or make an image of the client's versions and name it in "
            "spec.image."
        )
    if not messages:
        return None
    return Mismatch(reason="VersionsDiffer" if workers else "ClientVersionsDiffer", message=" ".join(messages))


def _named(scheduler: Versions) -> str:
    """Return what to install to have a scheduler's versions, as one writes it."""
    packages = [f"{name}=={found}" for name in ("dask", "distributed") if (found := getattr(scheduler, name))]
    python = [f"Python {minor}"] if (minor := _minor(scheduler.python)) else []
    return " and ".join([*python, *([f"`pip install {' '.join(packages)}`"] if packages else [])])


def _minor(python: str | None) -> str | None:
    """Return what of a Python's version decides whether it reads what another has pickled."""
    return python and ".".join(python.split(".")[:2])
