"""Stands in for `dask-cuda-worker` where RAPIDS is not installed: one `dask worker` a GPU, without CUDA.

It takes dask-cuda's arguments, drops those that are about GPU memory and transports, and sets CUDA_VISIBLE_DEVICES
for each worker as dask-cuda does, with the worker's own GPU first.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import dask.config

if TYPE_CHECKING:
    from types import FrameType

# Options of dask-cuda's command line (dask_cuda/cli.py) that `dask worker` does not have.
_WITH_VALUE: Final = frozenset(
    {
        "--device-memory-limit",
        "--jit-unspill-device-limit",
        "--rmm-pool-size",
        "--rmm-maximum-pool-size",
        "--rmm-log-directory",
        "--rmm-initial-pool-size",
        "--rmm-release-threshold",
        "--pre-import",
        "--worker-class",
        "--memory-spill-target",
    }
)
_FLAGS: Final = frozenset(
    f"--{sign}{name}"
    for sign in ("enable-", "disable-")
    for name in ("tcp-over-ucx", "infiniband", "nvlink", "rdmacm", "jit-unspill", "cudf-spill")
) | {"--rmm-managed-memory", "--no-rmm-managed-memory", "--rmm-async", "--rmm-track-allocations"}


def split_name(arguments: list[str]) -> tuple[list[str], str | None]:
    """Return what `dask worker` understands, and the value of --name apart."""
    kept: list[str] = []
    name = None
    rest = iter(arguments)
    for argument in rest:
        option, has_value, value = argument.partition("=")
        if option in _FLAGS:
            continue
        if option in _WITH_VALUE:
            if not has_value:
                next(rest, None)
        elif option == "--name":
            name = value if has_value else next(rest, None)
        else:
            kept.append(argument)
    return kept, name


def preloads() -> list[str]:
    """Return the options that give nannies of `dask worker` the preloads of Dask's configuration, as dask-cuda does."""
    configured = dask.config.get("distributed.nanny.preload", default=None) or []
    texts = [configured] if isinstance(configured, str) else configured
    return [word for text in texts for word in ("--preload-nanny", text)]


def main(arguments: list[str]) -> int:
    """Run the workers until they end; SIGTERM and SIGINT go on to them."""
    gpus = [gpu for gpu in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if gpu]
    if not gpus:
        print("dask-cuda-worker (stand-in): CUDA_VISIBLE_DEVICES names no GPU", file=sys.stderr)
        return 1
    print(
        f"dask-cuda-worker (stand-in): RAPIDS is not installed here; running one dask worker for each of the GPUs"
        f" {','.join(gpus)}, without CUDA",
        file=sys.stderr,
    )
    kept, name = split_name(arguments)
    kept += preloads()
    workers: list[subprocess.Popen[bytes]] = []
    signals: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        signals.append(number)
        for worker in workers:
            worker.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    for index in range(len(gpus)):
        visible = ",".join([*gpus[index:], *gpus[:index]])
        named = ["--name", f"{name}-{index}"] if name else []
        workers.append(
            subprocess.Popen(
                [sys.executable, "-m", "dask", "worker", *kept, *named],
                env={**os.environ, "CUDA_VISIBLE_DEVICES": visible},
            )
        )
        if signals:
            workers[-1].send_signal(signals[-1])
    codes = [worker.wait() for worker in workers]
    return next((128 - code if code < 0 else code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
