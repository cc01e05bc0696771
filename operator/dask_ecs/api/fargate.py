"""The task sizes that Fargate sells, and the rule that a role's cpu and memory are one of them."""

from dataclasses import dataclass
from typing import NamedTuple

from dask_ecs.api.quantity import format_cpu, format_memory


class Size(NamedTuple):
    """A task's size: CPU units (1024 = 1 vCPU) and memory in MiB."""

    cpu_units: int
    memory_mib: int

    def __str__(self) -> str:
        return f"cpu: {format_cpu(self.cpu_units)}, memory: {format_memory(self.memory_mib)}"


@dataclass(frozen=True, slots=True)
class Offer:
    """The memory (MiB) sold with so many CPU units: from the least to the most, in steps."""

    cpu_units: int
    least: int
    most: int
    step: int

    def memory_for(self, mib: int) -> int | None:
        """Return the least memory of this offer that is enough."""
        if mib > self.most:
            return None
        return max(self.least, self.most - (self.most - mib) // self.step * self.step)


OFFERS = (
    Offer(256, 512, 512, 512),
    Offer(256, 1024, 2048, 1024),
    Offer(512, 1024, 4096, 1024),
    Offer(1024, 2048, 8192, 1024),
    Offer(2048, 4096, 16384, 1024),
    Offer(4096, 8192, 30720, 1024),
    Offer(8192, 16384, 61440, 4096),
    Offer(16384, 32768, 122880, 8192),
)
"""ECS developer guide, "Task CPU and memory" in "Task definition parameters for Fargate"; smallest first."""

LARGEST = Size(OFFERS[-1].cpu_units, OFFERS[-1].most)


def sells(cpu_units: int, memory_mib: int) -> bool:
    """Whether Fargate has tasks of exactly this size."""
    return any(offer.cpu_units == cpu_units and offer.memory_for(memory_mib) == memory_mib for offer in OFFERS)


def nearest(cpu_units: int, memory_mib: int) -> Size:
    """Return the smallest size that has at least this cpu and memory, or the largest of all if none has."""
    for offer in OFFERS:
        if offer.cpu_units >= cpu_units and (memory := offer.memory_for(memory_mib)) is not None:
            return Size(offer.cpu_units, memory)
    return LARGEST
