"""What a Dask scheduler says of itself and its workers."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dask_ecs.api.versions import Versions


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorkerSeen:
    """One worker process as its scheduler lists it; a task with several GPUs runs one process a GPU, on one host."""

    address: str
    host: str
    name: str
    nthreads: int
    status: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Activity:
    """What a scheduler has to do."""

    clients: int
    """Clients that are connected, and what keeps results without one, as a published data set does."""
    idle_seconds: int | None
    """For how long there has been nothing to compute; None while there is."""
    client_versions: tuple[Versions, ...] = ()
    """What connected clients are made of, each once."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SchedulerIdentity:
    """A scheduler's answer to `identity`. The id is new with every start of the scheduler's process."""

    id: str
    workers: tuple[WorkerSeen, ...] = ()

    @property
    def hosts(self) -> frozenset[str]:
        """The addresses of the tasks whose workers have joined."""
        return frozenset(self.by_host)

    @functools.cached_property
    def by_host(self) -> Mapping[str, tuple[WorkerSeen, ...]]:
        """The workers of each task, by the task's address."""
        grouped: dict[str, list[WorkerSeen]] = {}
        for worker in self.workers:
            grouped.setdefault(worker.host, []).append(worker)
        return {host: tuple(workers) for host, workers in grouped.items()}


def workers_on_cheapest_hosts(seen: SchedulerIdentity, *, offered: Sequence[str], hosts: int) -> tuple[str, ...]:
    """Give the addresses of all workers on the `hosts` hosts that are to go, host by host.

    `offered` are worker addresses as Dask's `workers_to_close` ranks them, cheapest first. It leaves out workers whose
    tasks started tasks themselves: hosts with such a worker come last, in the order of their addresses.
    """
    host_of = {worker.address: worker.host for worker in seen.workers}
    withheld = {host_of[worker] for worker in host_of.keys() - set(offered)}
    ranked = [host_of[worker] for worker in offered if worker in host_of and host_of[worker] not in withheld]
    chosen = list(dict.fromkeys([*ranked, *sorted(withheld)]))[:hosts]
    return tuple(worker.address for host in chosen for worker in seen.by_host[host])
