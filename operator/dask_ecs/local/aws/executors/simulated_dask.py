"""Simulated Dask: a scheduler that answers what an operator asks over Dask's RPC, and workers that only exist."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_DEFAULT_SCHEDULER_PORT: Final = 8786
_WORKER_PORT: Final = 40_000
_LAST: Final = ("terminate", "close")
"""Operations after which a scheduler hangs up; `close` is only about the connection."""
_VERSIONS: Final = {"host": {}, "packages": {"python": "3.12.7.final.0", "dask": "2026.8.0", "distributed": "2026.8.0"}}


@dataclass(slots=True)
class SimulatedWorker:
    """A task that would run workers: one, or one a GPU."""

    scheduler: str
    host: str
    name: str | None
    nthreads: int
    processes: int
    protocol: str = "tcp"
    retire: Callable[[], None] = field(default=lambda: None)

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return its workers as a scheduler's `identity` lists them, by address."""
        described = {}
        for index in range(self.processes):
            address = f"{self.protocol}://{self.host}:{_WORKER_PORT + index}"
            name = f"{self.name}-{index}" if self.name and self.processes > 1 else self.name or address
            described[address] = {
                "type": "Worker",
                "id": name,
                "host": self.host,
                "name": name,
                "nthreads": self.nthreads,
                "memory_limit": 0,
                "last_seen": time.time(),
                "resources": {},
                "services": {},
                "metrics": {},
                "status": "running",
                "nanny": f"{self.protocol}://{self.host}:{_WORKER_PORT - 1 - index}",
            }
        return described


class SimulatedScheduler:
    """Listens on its task's address and speaks Dask's protocol."""

    def __init__(self, address: str, *, environment: Mapping[str, str]) -> None:
        self.address = address
        self._environment = environment
        self._id = f"Scheduler-{uuid.uuid4()}"
        self._started = time.time()
        self._workers: Callable[[], list[SimulatedWorker]] = list
        self._terminate: Callable[[], None] = lambda: None
        self._listener: Any = None

    async def listen(self, *, workers: Callable[[], list[SimulatedWorker]], terminate: Callable[[], None]) -> None:
        """Start to answer: `workers` gives those that belong to it, `terminate` ends all."""
        from distributed.comm import listen

        self._workers, self._terminate = workers, terminate
        arguments = _listen_arguments(self._environment) if self.address.startswith("tls://") else {}
        self._listener = listen(self.address, self._serve, deserialize=False, allow_offload=False, **arguments)
        await self._listener.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._listener:
            self._listener.stop()

    async def _serve(self, comm: Any) -> None:
        from distributed.comm import CommClosedError

        with contextlib.suppress(CommClosedError, OSError):
            try:
                while True:
                    message = await comm.read()
                    answer = self._answer(message)
                    if message.get("reply", True):
                        await comm.write(answer)
                    if message.get("close") or message.get("op") in _LAST:
                        return
            finally:
                await comm.close()

    def _answer(self, message: dict[str, Any]) -> object:
        operation = message.get("op")
        if operation == "identity":
            return self._identity(int(message.get("n_workers", -1)))
        if operation == "feed":  # the operator's question: nobody is ever connected, and there is nothing to compute
            return {**self._identity(-1), "clients": 0, "idle": int(time.time() - self._started)}
        if operation == "subscribe_worker_status":  # of `distributed.deploy.Cluster`, which is told of no changes here
            return self._identity(-1)
        if operation == "versions":
            return _VERSIONS
        if operation == "broadcast" and message.get("msg", {}).get("op") == "versions":
            return dict.fromkeys(message.get("workers") or self._described(), _VERSIONS)
        if operation == "get_metadata":
            return message.get("default")
        if operation == "set_metadata":
            return None
        if operation == "workers_to_close":
            return self._workers_to_close(int(message.get("n") or 1))
        if operation == "retire_workers":
            return self._retire(message)
        if operation in _LAST:
            if operation == "terminate":
                asyncio.get_running_loop().call_soon(self._terminate)
            return "OK"
        return {"status": "uncaught-error", "exception_text": f"ValueError: no such operation: {operation}"}

    def _identity(self, count: int) -> dict[str, Any]:
        workers = self._described()
        return {
            "type": "Scheduler",
            "id": self._id,
            "address": self.address,
            "services": {},
            "started": self._started,
            "n_workers": len(workers),
            "total_threads": sum(worker["nthreads"] for worker in workers.values()),
            "total_memory": 0,
            "workers": dict(list(workers.items())[: None if count < 0 else count]),
        }

    def _described(self) -> dict[str, dict[str, Any]]:
        return {address: shown for worker in self._workers() for address, shown in worker.describe().items()}

    def _workers_to_close(self, count: int) -> list[str]:
        # All are idle and hold nothing: the youngest first.
        return list(reversed(self._described()))[:count]

    def _retire(self, message: dict[str, Any]) -> dict[str, Any]:
        workers = message.get("workers")
        chosen = set(self._workers_to_close(int(message.get("n") or 1)) if workers is None else workers)
        retired: dict[str, Any] = {}
        for worker in self._workers():
            described = worker.describe()
            leaving = described.keys() & chosen
            retired |= {address: described[address] for address in leaving}
            if message.get("close_workers") and leaving == described.keys():
                asyncio.get_running_loop().call_soon(worker.retire)
        return retired


def _listen_arguments(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return how a scheduler with this environment listens by TLS, as Dask reads it from its configuration."""
    prefix = "DASK_DISTRIBUTED__COMM__TLS__"
    names = ("CA_FILE", "SCHEDULER__CERT", "SCHEDULER__KEY")
    return _listen_by_tls(*(environment.get(f"{prefix}{name}") for name in names))


@functools.lru_cache(maxsize=1000)  # thousands share a few certificates; reading them is most of a start
def _listen_by_tls(ca_file: str | None, certificate: str | None, key: str | None) -> dict[str, Any]:
    from distributed.security import Security

    security = Security(tls_ca_file=ca_file, tls_scheduler_cert=certificate, tls_scheduler_key=key)
    arguments: dict[str, Any] = security.get_listen_args("scheduler")
    return arguments


def parse(
    command: Sequence[str], *, address: str, environment: Mapping[str, str]
) -> SimulatedScheduler | SimulatedWorker | None:
    """Return what of Dask the command would run, None for another program."""
    words = [word.rpartition("/")[2] for word in command[:2]]
    if words[:1] == ["dask-scheduler"] or words == ["dask", "scheduler"]:
        protocol, port = _option(command, "--protocol") or "tcp", _option(command, "--port") or _DEFAULT_SCHEDULER_PORT
        return SimulatedScheduler(f"{protocol}://{address}:{port}", environment=environment)
    if words[:1] in (["dask-worker"], ["dask-cuda-worker"]) or words == ["dask", "worker"]:
        scheduler = next((word for word in command[1:] if word.startswith(("tcp://", "tls://"))), "")
        gpus = len(environment.get("CUDA_VISIBLE_DEVICES", "0").split(","))
        return SimulatedWorker(
            scheduler=scheduler,
            host=address,
            name=_option(command, "--name"),
            nthreads=int(_option(command, "--nthreads") or 1),
            processes=gpus if words[0] == "dask-cuda-worker" else 1,
            protocol=scheduler.partition("://")[0],
        )
    return None


def _option(command: Sequence[str], name: str) -> str | None:
    for index, word in enumerate(command):
        if word == name and index + 1 < len(command):
            return command[index + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None
