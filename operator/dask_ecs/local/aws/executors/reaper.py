"""A process that outlives a killed server just long enough to end every process that the server's tasks left.

Run as a script with a marker and the server's folder as its arguments, and a pipe from the server as its standard
input. When the pipe closes, however the server ended, it ends all processes that have `LOCALAWS_SERVER=<marker>` in
their environment, and removes the folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path


def marked(marker: bytes) -> list[int]:
    """Return the ids of all processes whose environment has the marker."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            # A process that has just ended, or that is not ours, can not be read.
            with contextlib.suppress(OSError):
                if marker in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def main() -> None:
    """Wait for the end of the pipe, then kill until nothing is left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    marker = f"LOCALAWS_SERVER={sys.argv[1]}".encode()
    sys.stdin.buffer.read()
    deadline = time.monotonic() + 10
    while (left := marked(marker)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    shutil.rmtree(sys.argv[2], ignore_errors=True)


if __name__ == "__main__":
    main()
