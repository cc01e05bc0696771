"""What a Dask scheduler says of itself and its workers."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorkerSeen:
    """One worker process as its scheduler lists it; a task with several GPUs runs one process a GPU, on one host."""

    address: str
    host: str
    name: str
    nthreads: int
    status: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class SchedulerIdentity:
    """A scheduler's answer to `identity`. The id is new with every start of the scheduler's process."""

    id: str
    workers: tuple[WorkerSeen, ...] = ()

    @property
    def hosts(self) -> frozenset[str]:
        """The addresses of the tasks whose workers have joined."""
        return frozenset(worker.host for worker in self.workers)

    def workers_on(self, host: str) -> tuple[WorkerSeen, ...]:
        """Give the worker processes of the task at this address."""
        return tuple(worker for worker in self.workers if worker.host == host)
