"""Which tasks an EC2 instance type holds, before any instance is brought."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from dask_ecs.api.quantity import CPU_UNITS_PER_VCPU, format_cpu, format_memory
from dask_ecs.plan import task_size
from dask_ecs.plan.observed import TaskSize
from dask_ecs.plan.problems import NeedsUser

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.observed import GivenDefinition, Role

# ECS developer guide, "Reserving Amazon ECS Linux container instance memory": tasks get what the kernel leaves of an
# instance's memory, its own share grows with that, and the agent runs beside them; the page's 8 GiB leave 2.5 % less.
# Amazon Linux 2023 has been seen to keep up to 4.7 %.
_KERNEL_SHARE = 0.05
_AGENT_MIB = 96


@dataclasses.dataclass(frozen=True, kw_only=True)
class InstanceType:
    """What an instance of a type has, as EC2 describes it."""

    name: str
    vcpus: int
    memory_mib: int
    gpus: int
    architectures: tuple[str, ...]
    """In the spec's spelling: X86_64, ARM64."""

    @property
    def room_mib(self) -> int:
        """MiB that tasks can have."""
        return int(self.memory_mib * (1 - _KERNEL_SHARE)) - _AGENT_MIB

    @property
    def cpu_units(self) -> int:
        """CPU units (1024 = 1 vCPU) that tasks can have."""
        return self.vcpus * CPU_UNITS_PER_VCPU


def memory_of_instance_for(task_mib: int) -> int:
    """Return the least memory, in MiB, of an instance that leaves a task so much."""
    return int((task_mib + _AGENT_MIB) / (1 - _KERNEL_SHARE)) + 1


def named(spec: DaskClusterSpec, role: Role) -> tuple[str, ...]:
    """Return the instance types that a role's tasks may run on; none where ECS chooses."""
    capacity = spec.capacity
    if capacity is None or spec.launch_type_of(role) != "EC2":
        return ()
    return (capacity.scheduler_instance_types if role == "scheduler" else ()) or capacity.instance_types


def check(spec: DaskClusterSpec, found: Iterable[InstanceType], given: Mapping[Role, GivenDefinition]) -> None:
    """Check that every type that is named holds a task of its role: a group scales for none that its smallest does not.

    `given` holds what is known of the definitions that a user brings; tasks of others are not checked yet.

    Raises:
        NeedsUser: one does not, with the largest task that they all hold.

    """
    by_name = {each.name: each for each in found}
    for role in spec.roles:
        if role in given or not spec.role(role).task_definition_arn:
            size = task_size.of(spec, role, given.get(role))
            _check_role(spec, role, [by_name[name] for name in named(spec, role)], size)


def _check_role(spec: DaskClusterSpec, role: Role, types: Sequence[InstanceType], size: TaskSize) -> None:
    field = "schedulerInstanceTypes" if role == "scheduler" and _has_own(spec) else "instanceTypes"
    for each in types:
        if spec.cpu_architecture not in each.architectures:
            raise NeedsUser(
                "InstanceTypeDoesNotFit",
                f"spec.capacity.{field}: {each.name} is of {' and '.join(each.architectures)}, "
                f"spec.cpuArchitecture is {spec.cpu_architecture}. Make them the same.",
            )
    small = [
        each
        for each in types
        if size.cpu_units > each.cpu_units or size.memory_mib > each.room_mib or size.gpus > each.gpus
    ]
    if not small:
        return
    largest = TaskSize(
        cpu_units=min(each.cpu_units for each in types),
        memory_mib=min(each.room_mib for each in types),
        gpus=min(each.gpus for each in types),
    )
    raise NeedsUser(
        "InstanceTypeDoesNotFit",
        f"spec.{role} asks for {_said(size)}, which does not fit {', '.join(each.name for each in small)}: the kernel "
        f"and ECS's agent keep some memory back. The largest that fits all of spec.capacity.{field} is "
        f"{_said(largest)}. Ask for no more, or name larger types.",
    )


def _has_own(spec: DaskClusterSpec) -> bool:
    return spec.capacity is not None and bool(spec.capacity.scheduler_instance_types)


def _said(size: TaskSize) -> str:
    gpus = f", gpu: {size.gpus}" if size.gpus else ""
    return f"cpu: {format_cpu(size.cpu_units)}, memory: {format_memory(size.memory_mib)}{gpus}"
