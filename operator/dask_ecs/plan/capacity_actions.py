"""What can be done about instances: each thing that brings them made, changed, deleted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from dask_ecs.plan.action import Result, Subject
from dask_ecs.plan.actions import OnThing, SharedAction
from dask_ecs.plan.instance_types import InstanceType
from dask_ecs.plan.made import Kind

PROVIDER_IN_USE = "CapacityProviderInUse"
"""Why a provider can not be made anew over another group: tasks are on it, or wait for its instances."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CapacityAction(SharedAction[Result]):
    """Something to do about instances that are brought."""

    subject: Subject = "capacity"

    @property
    def revises(self) -> bool:
        """See `Action`."""
        return True


@dataclasses.dataclass(frozen=True, kw_only=True)
class DescribeInstanceTypes(CapacityAction[tuple[InstanceType, ...]]):
    """Ask EC2 what instances of these types have."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"look at instance types {', '.join(self.names)}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnsureInstanceProfile(CapacityAction[str], OnThing[str]):
    """Create the instance profile, or find it, with its role in it; its answer is the ARN."""

    kind: ClassVar[Kind] = "instance-profile"
    path: str
    role: str
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"make instance profile {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnsureLaunchTemplate(CapacityAction[str], OnThing[str]):
    """Create the launch template, or a version of it that holds this; its answer is the version."""

    kind: ClassVar[Kind] = "launch-template"
    data: Mapping[str, Any]
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"make launch template {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnsureAutoScalingGroup(CapacityAction[str], OnThing[str]):
    """Create the Auto Scaling group, without instances, or have it launch as told; its answer is the ARN."""

    kind: ClassVar[Kind] = "auto-scaling-group"
    template_version: str
    subnets: tuple[str, ...]
    instance_types: tuple[str, ...]
    on_demand_percentage: int
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"make Auto Scaling group {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SizeAutoScalingGroup(CapacityAction[bool], OnThing[bool]):
    """Say between how many and how many instances a group scales."""

    kind: ClassVar[Kind] = "auto-scaling-group"
    minimum: int
    maximum: int

    def __str__(self) -> str:
        return f"let Auto Scaling group {self.name} have {self.minimum} to {self.maximum} instances"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnsureCapacityProvider(CapacityAction[str], OnThing[str]):
    """Create the capacity provider, or find it; over a group, or of managed instances in an ECS cluster."""

    kind: ClassVar[Kind] = "capacity-provider"
    ecs_cluster: str
    group_arn: str | None = None
    managed_instances: Mapping[str, Any] | None = None
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"make capacity provider {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CapacityDeletion(OnThing[bool]):
    """Delete one thing that brought instances, if it is ours."""

    subject: Subject = "capacity"
    tags: Mapping[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeleteAutoScalingGroup(CapacityDeletion):
    """Delete the group with its instances, protected or not; done once they are gone."""

    kind: ClassVar[Kind] = "auto-scaling-group"

    def __str__(self) -> str:
        return f"delete Auto Scaling group {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeleteCapacityProvider(CapacityDeletion):
    """Take the capacity providers that go from their ECS cluster, and delete this one."""

    kind: ClassVar[Kind] = "capacity-provider"
    ecs_cluster: str
    going: tuple[str, ...]

    def __str__(self) -> str:
        return f"delete capacity provider {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeleteLaunchTemplate(CapacityDeletion):
    """Delete the launch template with all its versions."""

    kind: ClassVar[Kind] = "launch-template"

    def __str__(self) -> str:
        return f"delete launch template {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeleteInstanceProfile(CapacityDeletion):
    """Delete the instance profile; its role stays."""

    kind: ClassVar[Kind] = "instance-profile"

    def __str__(self) -> str:
        return f"delete instance profile {self.name}"
