"""Puts the stand-ins into a folder, under the names by which task definitions call them."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAMS: Final = {"dask-cuda-worker": "dask_ecs.local.aws.stand_ins.dask_cuda_worker"}


def install_stand_ins(folder: Path) -> Path:
    """Make the folder, write an executable script for each stand-in into it, and return it."""
    folder.mkdir()
    for name, module in _PROGRAMS.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {module} "$@"\n')
        script.chmod(0o755)
    return folder
