"""The operator as a process of its own, as in production: nothing of it is imported here."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from dask_ecs.local import die_with_parent
from dask_ecs.local.demo.errors import DemoError

_READY = "ready: watching DaskClusters"
_READY_WITHIN = 60.0  # seconds; it takes 2
_POLL_INTERVAL = 0.05
_LOG_TAIL = 15  # lines


class OperatorProcess:
    """A running ``dask-ecs run``; ``log`` is its log, a file that stays."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.log = log
        self._process = process

    @classmethod
    @contextlib.contextmanager
    def start(cls, *arguments: str, environment: Mapping[str, str]) -> Iterator[Self]:
        """Run it with ``arguments`` until the `with` block ends; raises :class:`DemoError` when it does not start."""
        with tempfile.NamedTemporaryFile(prefix="dask-ecs-operator-", suffix=".log", delete=False) as file:
            log = Path(file.name)
        command = [sys.executable, "-c", "from dask_ecs.cli import main; main()", "run", *arguments]
        # Killed at the end, it removes no file of its own.
        with tempfile.TemporaryDirectory(prefix="dask-ecs-operator-") as folder:
            process = die_with_parent.start(
                command, directory=Path(folder), log=log, environment={**environment, "TMPDIR": folder}
            )
            try:
                operator = cls(process, log)
                operator._await_ready()
                yield operator
            finally:
                die_with_parent.stop(process)

    def check(self) -> None:
        """Raise :class:`DemoError` with the end of its log if it has ended."""
        if self._process.poll() is not None:
            raise DemoError(f"the operator has ended:\n{self._log_tail()}")

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while _READY not in self.log.read_text(errors="replace"):
            self.check()
            if time.monotonic() > deadline:
                raise DemoError(f"the operator is not ready after {_READY_WITHIN:.0f} s:\n{self._log_tail()}")
            time.sleep(_POLL_INTERVAL)

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_TAIL:])
