"""What a command does that prints how to use something and keeps it up until it is interrupted."""

import contextlib
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from dask_ecs.local import kubectl

_CHECK_INTERVAL = 2.0  # seconds


@contextlib.contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Let SIGTERM, and SIGHUP when the terminal closes, raise KeyboardInterrupt as Ctrl-C does.

    Only the main thread can do this.
    """
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stay(environment: Mapping[str, str], *, check: Callable[[], None]) -> None:
    """Print the lines that give a shell ``environment``, and return when interrupted.

    Raises what ``check`` raises; it is called every other second.
    """
    print(exports(environment), flush=True)
    print("Ready: paste these lines into another shell. Ctrl-C here ends everything.", file=sys.stderr, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(_CHECK_INTERVAL)
            check()


def exports(environment: Mapping[str, str]) -> str:
    """Return the lines that give a shell ``environment``, and the kubectl of the right version on its PATH."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    lines.append(f"export PATH={shlex.quote(str(kubectl.path().parent))}:$PATH")
    return "\n".join(lines)
