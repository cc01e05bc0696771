"""The command lines of the containers, and the environment that belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dask_ecs.plan.worker_preload import WAIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

# `--death-timeout` bounds a worker's whole start, the preload's wait for the scheduler included. Without it, a worker
# whose scheduler dies while it joins tries for ever. Two minutes more than the wait are for the joining.
DEATH_TIMEOUT_SECONDS = WAIT_SECONDS + 120


def scheduler_command(
    *,
    port: int,
    dashboard_port: int,
    protocol: str | None = None,
    idle_timeout_seconds: int | None = None,
    extra_args: Sequence[str] = (),
) -> list[str]:
    """Give the scheduler's command; the user's arguments come last, so that they win.

    It ends with exit code 0 when a client calls `shutdown()`, the operator asks it to terminate, or nothing was
    computed for `idle_timeout_seconds`, whoever is connected.
    """
    listen = ["--protocol", protocol] if protocol else []
    ports = ["--port", str(port), "--dashboard-address", f":{dashboard_port}"]
    limit = ["--idle-timeout", f"{idle_timeout_seconds}s"] if idle_timeout_seconds else []
    return ["dask", "scheduler", *listen, *ports, *limit, *extra_args]


def worker_command(
    *,
    scheduler_address: str,
    threads: int,
    memory_mib: int,
    gpu: int = 0,
    preload: str,
    extra_args: Sequence[str] = (),
    death_timeout_seconds: int = DEATH_TIMEOUT_SECONDS,
) -> list[str]:
    """Give a worker's command; the user's arguments come last, so that they win.

    `threads` and `memory_mib` (MiB) are the task's. `dask-cuda-worker` runs one process a GPU, and they are divided
    between these. `preload` comes from `worker_preload`; it is in this command only without GPUs, see
    `worker_environment`.
    """
    processes = max(gpu, 1)
    limits = [
        *("--nthreads", str(max(threads // processes, 1))),
        *("--memory-limit", f"{memory_mib // processes}MiB"),
        *("--death-timeout", str(death_timeout_seconds)),
    ]
    if gpu:
        return ["dask-cuda-worker", scheduler_address, *limits, *extra_args]
    return ["dask", "worker", scheduler_address, *limits, "--preload-nanny", preload, *extra_args]


def worker_environment(*, gpu: int = 0, preload: str) -> dict[str, str]:
    """Give the variables that a worker's command needs beside it.

    `dask-cuda-worker` has no option `--preload-nanny` (Dask-CUDA, "dask cuda worker"); its nannies take the preload
    from Dask's configuration, which those of `dask worker` do not.
    """
    return {"DASK_DISTRIBUTED__NANNY__PRELOAD": preload} if gpu else {}
