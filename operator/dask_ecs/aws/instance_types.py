"""EC2 instance types: what instances of them have."""

from collections.abc import Mapping, Sequence
from typing import Any

from dask_ecs.aws import operations
from dask_ecs.aws.session import Aws
from dask_ecs.plan.instance_types import InstanceType

_ARCHITECTURES = {"x86_64": "X86_64", "arm64": "ARM64"}


async def describe(aws: Aws, names: Sequence[str]) -> tuple[InstanceType, ...]:
    """Return the instance types of these names.

    Raises:
        AwsError: InvalidInstanceType where EC2 does not know one in this region.

    """
    answer = await aws.call(operations.DESCRIBE_INSTANCE_TYPES, InstanceTypes=list(names))
    return tuple(_parse(one) for one in answer["InstanceTypes"])


def _parse(one: Mapping[str, Any]) -> InstanceType:
    gpus = [gpu for gpu in one.get("GpuInfo", {}).get("Gpus", ()) if gpu.get("Manufacturer") == "NVIDIA"]
    supported = one["ProcessorInfo"]["SupportedArchitectures"]
    return InstanceType(
        name=one["InstanceType"],
        vcpus=one["VCpuInfo"]["DefaultVCpus"],
        memory_mib=one["MemoryInfo"]["SizeInMiB"],
        gpus=sum(gpu["Count"] for gpu in gpus),
        architectures=tuple(_ARCHITECTURES[name] for name in supported if name in _ARCHITECTURES),
    )
