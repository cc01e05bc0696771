"""EC2 instance types that container instances can have here, with sizes as the EC2 instance type pages give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Architecture = Literal["x86_64", "arm64"]


@dataclass(frozen=True, slots=True)
class InstanceType:
    """A machine's size: vCPUs, memory in MiB, GPUs."""

    vcpus: int
    memory: int
    gpus: int = 0
    architecture: Architecture = "x86_64"

    @property
    def registered_memory(self) -> int:
        """What the container agent registers, in MiB: what the kernel sees, about 3 % less than what is sold."""
        return int(self.memory * 0.97) - 64


def _family(
    name: str, memory_per_vcpu: int, sizes: dict[str, int], *, architecture: Architecture = "x86_64"
) -> dict[str, InstanceType]:
    return {
        f"{name}.{size}": InstanceType(vcpus, vcpus * memory_per_vcpu * 1024, architecture=architecture)
        for size, vcpus in sizes.items()
    }


_SIZES: Final = {
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "8xlarge": 32,
    "12xlarge": 48,
    "16xlarge": 64,
}

INSTANCE_TYPES: Final[dict[str, InstanceType]] = {
    **_family("c6i", 2, {**_SIZES, "24xlarge": 96, "32xlarge": 128}),
    **_family("m6i", 4, {**_SIZES, "24xlarge": 96, "32xlarge": 128}),
    **_family("m7g", 4, {"medium": 1, **_SIZES}, architecture="arm64"),
    "t3.micro": InstanceType(2, 1024),
    "t3.medium": InstanceType(2, 4096),
    "g4dn.xlarge": InstanceType(4, 16 * 1024, 1),
    "g4dn.2xlarge": InstanceType(8, 32 * 1024, 1),
    "g4dn.4xlarge": InstanceType(16, 64 * 1024, 1),
    "g4dn.8xlarge": InstanceType(32, 128 * 1024, 1),
    "g4dn.12xlarge": InstanceType(48, 192 * 1024, 4),
    "g4dn.16xlarge": InstanceType(64, 256 * 1024, 1),
    "g4dn.metal": InstanceType(96, 384 * 1024, 8),
    "g5.xlarge": InstanceType(4, 16 * 1024, 1),
    "g5.2xlarge": InstanceType(8, 32 * 1024, 1),
    "g5.4xlarge": InstanceType(16, 64 * 1024, 1),
    "g5.8xlarge": InstanceType(32, 128 * 1024, 1),
    "g5.12xlarge": InstanceType(48, 192 * 1024, 4),
    "g5.16xlarge": InstanceType(64, 256 * 1024, 1),
    "g5.24xlarge": InstanceType(96, 384 * 1024, 4),
    "g5.48xlarge": InstanceType(192, 768 * 1024, 8),
    "p3.2xlarge": InstanceType(8, 61 * 1024, 1),
    "p3.8xlarge": InstanceType(32, 244 * 1024, 4),
    "p3.16xlarge": InstanceType(64, 488 * 1024, 8),
    "p4d.24xlarge": InstanceType(96, 1152 * 1024, 8),
}
