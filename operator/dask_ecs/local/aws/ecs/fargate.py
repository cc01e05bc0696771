"""What Fargate sells: pairs of CPU and memory."""

from __future__ import annotations

from typing import Final

# "Task size" in the ECS guide: memory in MiB by CPU units.
_MEMORY: Final[dict[int, range]] = {
    256: range(512, 2048 + 1, 512),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
_NOT_SOLD: Final = frozenset({(256, 1536)})


def sells(*, cpu: int, memory: int) -> bool:
    """Whether a task can have this many CPU units (1024 a vCPU) with this much memory (MiB)."""
    return memory in _MEMORY.get(cpu, ()) and (cpu, memory) not in _NOT_SOLD
