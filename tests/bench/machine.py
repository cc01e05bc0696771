"""What the figures are measured on."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Machine:
    """The machine at one moment; ``load`` is the load average of the last minute, before anything of ours ran."""

    cores: int
    processor: str
    memory_gib: float
    python: str
    load: float

    @classmethod
    def now(cls) -> "Machine":
        """Look at this machine."""
        return cls(
            cores=os.cpu_count() or 1,
            processor=_processor(),
            memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
            python=platform.python_version(),
            load=round(os.getloadavg()[0], 2),
        )

    def __str__(self) -> str:
        return f"{self.cores} cores, load {self.load} before"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
