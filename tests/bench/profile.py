"""Where the operator's CPU goes."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

_PY_SPY = Path(sys.executable).parent / "py-spy"
_SAMPLES_A_SECOND = 200
_SHOWN = 15


class ProfileError(Exception):
    """The process could not be looked into; the message is what py-spy said."""


async def top_functions(pid: int, *, seconds: int, folder: Path) -> list[tuple[float, str]]:
    """Return the functions that held the interpreter most often, with their share; raise ProfileError.

    py-spy samples the process from outside: that needs root, or `kernel.yama.ptrace_scope=0`.
    """
    raw = folder / "profile.raw"
    sampling = await asyncio.create_subprocess_exec(
        *(_PY_SPY, "record", "--pid", str(pid), "--duration", str(seconds), "--rate", str(_SAMPLES_A_SECOND)),
        *("--gil", "--format", "raw", "--output", raw),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, said = await sampling.communicate()
    if sampling.returncode:
        raise ProfileError(said.decode(errors="replace").strip().splitlines()[-1])
    own: Counter[str] = Counter()
    for line in raw.read_text().splitlines():
        stack, _, samples = line.rpartition(" ")
        own[stack.rpartition(";")[2]] += int(samples)
    total = own.total() or 1
    shares = [(count / total, function) for function, count in own.most_common(_SHOWN)]
    text = "\n".join(f"{100 * share:5.1f} %  {function}" for share, function in shares)
    (folder / "profile.txt").write_text(f"{total} samples in {seconds} s, {_SAMPLES_A_SECOND} a second\n{text}\n")
    return shares
