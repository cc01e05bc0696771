"""The groups of instances that are brought for a cluster: one for each shape of task, each with a capacity provider."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from dask_ecs.plan import task_size
from dask_ecs.plan.instance_types import memory_of_instance_for, named
from dask_ecs.plan.observed import ROLES, TaskSize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.observed import GivenDefinition, Role
    from dask_ecs.plan.target import Target

Members = Literal["tasks", "scheduler", "worker"]

# AWS: "CreateLaunchTemplate": names of 3 to 128 characters. The groups and providers of a template share its name.
_NAME = 128


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """Instances for tasks of one shape."""

    members: Members
    """Whose tasks: those of one role, or all where scheduler and workers are alike."""
    roles: tuple[Role, ...]
    instance_types: tuple[str, ...]
    minimum: int
    maximum: int
    on_demand_percentage: int
    definition: str | None
    """The task definition that a user brings for their tasks; only AWS knows how large it makes them."""
    size: TaskSize
    """What each task takes."""
    subnets: tuple[str, ...]
    """Those that are given for their tasks."""
    security_groups: tuple[str, ...]
    """The same."""
    managed: bool
    """Whether ECS brings the instances, not an Auto Scaling group."""

    @property
    def spot(self) -> bool:
        """Whether some are Spot instances."""
        return self.on_demand_percentage < 100


def groups(spec: DaskClusterSpec, given: Mapping[Role, GivenDefinition] | None = None) -> tuple[Group, ...]:
    """Return the groups of instances to bring, none without `spec.capacity`.

    What is known of the definitions in `given` tells how large their tasks are, but neither how many groups there are
    nor their names.
    """
    capacity = spec.capacity
    if capacity is None:
        return ()
    found = [_of_role(spec, role) for role in spec.roles if spec.launch_type_of(role) == "EC2"]
    if len(found) == len(ROLES) and len({_shape(group) for group in found}) == 1:
        found = [dataclasses.replace(found[-1], members="tasks", roles=ROLES)]
    known = {role: task_size.of(spec, role, definition) for role, definition in (given or {}).items()}
    return tuple(dataclasses.replace(group, size=known.get(group.roles[0], group.size)) for group in found)


def _shape(group: Group) -> Group:
    """Return what tells it from another group but for whose it is and how large."""
    return dataclasses.replace(group, members="tasks", roles=(), minimum=0, maximum=0)


def _of_role(spec: DaskClusterSpec, role: Role) -> Group:
    capacity = spec.capacity
    assert capacity is not None
    spot = role == "worker" and (capacity.spot or bool(spec.worker.spot))
    return Group(
        members=role,
        roles=(role,),
        instance_types=named(spec, role),
        minimum=0 if role == "scheduler" else capacity.minimum,
        maximum=1 if role == "scheduler" else capacity.most,
        on_demand_percentage=(capacity.on_demand_percentage or 0) if spot else 100,
        definition=spec.role(role).task_definition_arn,
        size=task_size.of(spec, role, None),
        subnets=spec.subnets_of(role),
        security_groups=spec.security_groups_of(role),
        managed=capacity.managed_instances is not None,
    )


def name_of(target: Target, group: Group) -> str:
    """Return the name of a group, its launch template and its capacity provider."""
    # Whether managed instances are Spot can not be changed (AWS: "InstanceLaunchTemplateUpdate"): others take over.
    kind = ("managed", "spot") if group.managed and group.spot else ("managed",) if group.managed else ()
    return target.made_name(group.members, *kind, limit=_NAME)


def providers(target: Target) -> dict[Role, str]:
    """Return the capacity provider of each role's tasks, none without `spec.capacity`."""
    return {role: name_of(target, group) for group in groups(target.cluster.spec) for role in group.roles}


def compatibility(spec: DaskClusterSpec, role: Role) -> str:
    """Return what a role's task definition has to be compatible with (AWS: "RegisterTaskDefinition")."""
    launch_type = spec.launch_type_of(role)
    managed = spec.capacity is not None and spec.capacity.managed_instances is not None
    return "MANAGED_INSTANCES" if managed and launch_type == "EC2" else launch_type


def instance_profile_name(target: Target) -> str:
    """Return the name of the instance profile, where one is made."""
    return target.made_name("instance", limit=_NAME)


def requirements(spec: DaskClusterSpec, group: Group) -> Mapping[str, Any]:
    """Return what managed instances must have to hold a group's tasks (AWS: "InstanceRequirementsRequest")."""
    assert spec.capacity is not None
    found: dict[str, Any] = {
        "vCpuCount": {"min": max(-(-group.size.cpu_units // 1024), 1)},
        "memoryMiB": {"min": memory_of_instance_for(group.size.memory_mib)},
        "cpuManufacturers": ["amazon-web-services"] if spec.cpu_architecture == "ARM64" else ["intel", "amd"],
    }
    if group.size.gpus:
        found |= {
            "acceleratorTypes": ["gpu"],
            "acceleratorManufacturers": ["nvidia"],
            "acceleratorCount": {"min": group.size.gpus},
        }
        managed = spec.capacity.managed_instances
        if managed and managed.accelerator_names:
            found["acceleratorNames"] = sorted(managed.accelerator_names)
    if group.instance_types:
        found["allowedInstanceTypes"] = list(group.instance_types)
    return found
