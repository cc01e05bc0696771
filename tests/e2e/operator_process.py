"""The operator as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from .waiting import until

_READY = "ready: watching DaskClusters"


class OperatorProcess:
    """`dask-ecs run`, with its log in a file. As a context manager it is told to stop at the end, and has to."""

    def __init__(self, *arguments: str, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._arguments = arguments
        self._environment = {**os.environ, **environment}
        self._starts = 0
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.is_alive:
            self.terminate()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def said(self) -> str:
        """All that it has logged so far, under its former processes too."""
        return self.log.read_text()

    @property
    def last_words(self) -> str:
        return "\n".join(self.said.splitlines()[-40:])

    def wait_until_ready(self) -> None:
        """Wait until it watches."""
        starts = self._starts
        until(lambda: self.said.count(_READY) == starts or not self.is_alive, shown=lambda: self.last_words)
        assert self.is_alive, self.last_words

    def sigkill(self) -> None:
        """Kill it as the kernel does when memory runs out."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def terminate(self) -> int:
        """Tell it to stop, as the kubelet does; return its exit code."""
        self._process.terminate()
        return self._process.wait(30)

    def restart(self) -> None:
        """Start it again after its end, with the same arguments."""
        assert not self.is_alive
        self._process = self._start()
        self.wait_until_ready()

    def _start(self) -> subprocess.Popen[bytes]:
        self._starts += 1
        with self.log.open("ab") as log:
            log.write(f"--- started at {time.strftime('%H:%M:%S')}\n".encode())
            return subprocess.Popen(
                [Path(sys.executable).parent / "dask-ecs", "run", *self._arguments],
                env=self._environment,
                stdout=log,
                stderr=log,
            )
