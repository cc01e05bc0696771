"""Run a program that must not outlive whoever started it.

``python -m dask_ecs.local.die_with_parent PROGRAM ARGUMENT...`` runs the program until it ends or its own standard
input is closed. Whoever holds the other end of that pipe need not say goodbye: the kernel closes it for them, even
after SIGKILL. :func:`start` is the other end.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>, see prctl(2)
_libc = ctypes.CDLL(None)  # loaded before the fork: after it only prctl itself is called


def start(
    command: Sequence[str | Path],
    *,
    directory: Path,
    log: Path,
    environment: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    """Start ``command`` in ``directory``, its output in ``log``; end it by :func:`stop`, or by ending yourself.

    The terminal's Ctrl-C does not reach it: its starter decides when it ends.
    """
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", __name__, *command],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Kill what :func:`start` started and wait until it is gone.

    Raises :class:`subprocess.TimeoutExpired` when the kernel has not ended it after half a minute.
    """
    if process.stdin is not None:
        process.stdin.close()
    process.wait(timeout=30)


def main(command: Sequence[str]) -> int:
    """Run ``command`` until it ends or standard input is closed; return its exit code."""
    # preexec_fn is unsafe beside other threads (subprocess' documentation): here are none.
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_ask_for_sigkill)  # noqa: PLW1509
    watched = [sys.stdin.fileno(), os.pidfd_open(program.pid)]
    while True:
        readable, _, _ = select.select(watched, [], [])
        if watched[1] in readable:
            break
        if not os.read(watched[0], 1024):
            program.kill()
            break
    return program.wait()


def _ask_for_sigkill() -> None:
    """Cover the case in which this process itself is killed: pipes say nothing to the program below it."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
