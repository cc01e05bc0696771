"""Commands as a person types them: shown, run, and what they write shown as it comes."""

import contextlib
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from dask_ecs.local import kubectl
from dask_ecs.local.demo.errors import DemoError
from dask_ecs.local.demo.transcript import Transcript

_QUIET_AFTER = 10.0
"""Seconds in which the output of a program that was ended must be at its end."""


_NO_PROXY = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
"""Kubernetes and AWS are on this machine, where no proxy leads to."""


class Shell:
    """Runs commands with ``variables`` in the environment, and no other setting of AWS or Kubernetes."""

    def __init__(self, transcript: Transcript, variables: Mapping[str, str]) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = {**inherited, **_NO_PROXY, **variables}
        self._transcript = transcript

    def kubectl(self, *arguments: str, timeout: float = 30.0) -> None:
        """Run kubectl and show what it writes.

        Raises :class:`DemoError` when it fails or takes longer than ``timeout`` seconds.
        """
        self._run(["kubectl", *arguments], [kubectl.path(), *arguments], timeout=timeout)

    def python(self, *arguments: str, timeout: float) -> None:
        """Run this Python and show what it writes; errors as :meth:`kubectl`."""
        with self.python_begun(*arguments) as show:
            show(timeout)

    @contextlib.contextmanager
    def python_begun(self, *arguments: str) -> Iterator[Callable[[float], object]]:
        """Start this Python, which may wait for something; give what shows it, until it ends, as :meth:`python`."""
        with self._started([sys.executable, *arguments]) as (process, output):
            yield lambda timeout: self._show(["python", *arguments], process, output, timeout=timeout)

    def dask_ecs(self, *arguments: str, timeout: float = 30.0) -> str:
        """Run ``dask-ecs``, show what it writes and return the first line of that; errors as :meth:`kubectl`."""
        command = [sys.executable, "-c", "from dask_ecs.cli import main; main()", *arguments]
        return self._run(["dask-ecs", *arguments], command, timeout=timeout)[0].strip()

    def quietly(self, *arguments: str) -> str:
        """Return what kubectl writes and show nothing; raises :class:`kubectl.KubectlError`."""
        return kubectl.run(*arguments, kubeconfig=Path(self.environment["KUBECONFIG"]))

    @contextlib.contextmanager
    def kubectl_in_background(self, *arguments: str, mark: str) -> Iterator[None]:
        """Show what kubectl writes, line by line with a ``mark``, until the `with` block ends."""
        self._transcript.command(shlex.join(["kubectl", *arguments]) + " &")
        with self.in_background(kubectl.path(), *arguments, mark=mark):
            yield

    @contextlib.contextmanager
    def in_background(self, *command: str | Path, mark: str) -> Iterator[None]:
        """Do the same with any command, and do not show that itself."""
        with self._started(command) as (process, output):
            reader = threading.Thread(target=self._show_marked, args=(mark, output), daemon=True)
            reader.start()
            try:
                yield
            finally:
                _end(process)
                reader.join(_QUIET_AFTER)

    def _run(self, shown: Sequence[str], command: Sequence[str | Path], *, timeout: float) -> list[str]:
        with self._started(command) as (process, output):
            return self._show(shown, process, output, timeout=timeout)

    def _show(
        self, shown: Sequence[str], process: subprocess.Popen[str], output: IO[str], *, timeout: float
    ) -> list[str]:
        line, written = shlex.join(shown), []
        self._transcript.command(line)
        late = threading.Event()
        timer = threading.Timer(timeout, _end, [process, late])
        timer.start()
        try:
            for text in output:
                written.append(text)
                self._transcript.output(text)
            code = process.wait()
            if late.is_set():
                raise DemoError(f"`{line}` was not done after {timeout:.0f} s")
            if code != 0:
                raise DemoError(f"`{line}` ended with {code}")
            return written
        finally:
            timer.cancel()

    @contextlib.contextmanager
    def _started(self, command: Sequence[str | Path]) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
        """Start a program that Ctrl-C does not reach and that ends with this process, however that ends."""
        process = subprocess.Popen(
            [sys.executable, "-m", "dask_ecs.local.die_with_parent", *command],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            _end(process)
            process.stdout.close()

    def _show_marked(self, mark: str, output: IO[str]) -> None:
        before = ""
        for line in output:
            # kubectl writes a row for every change of an object. Those whose columns but the last, the age, are
            # the same as before show nothing new.
            columns = line.rsplit(maxsplit=1)[0] if line.strip() else ""
            if columns != before:
                self._transcript.marked(mark, line.rstrip())
            before = columns


def _end(process: subprocess.Popen[str], late: threading.Event | None = None) -> None:
    """Close the pipe that keeps it alive, and wait until it is gone; say that it was ``late``."""
    if late:
        late.set()
    assert process.stdin is not None
    process.stdin.close()
    process.wait(_QUIET_AFTER)
