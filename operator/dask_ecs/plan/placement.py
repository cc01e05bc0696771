"""Tasks that wait for an EC2 instance: ECS keeps them in PROVISIONING until a capacity provider has brought one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dask_ecs.api.launch_rules import FARGATE_PROVIDERS
from dask_ecs.plan import capacity
from dask_ecs.plan.capacity_actions import PROVIDER_IN_USE

if TYPE_CHECKING:
    from dask_ecs.plan.capacity import Group
    from dask_ecs.plan.observed import Observed, Role, Task
    from dask_ecs.plan.target import Target

WAITING = "WaitingForInstances"


def waits(task: Task) -> bool:
    """Whether a task has no instance yet (AWS: "Amazon ECS managed scaling", of tasks in PROVISIONING)."""
    return (
        task.is_live
        and task.last_status == "PROVISIONING"
        and task.container_instance is None
        and task.capacity_provider is not None
        and task.capacity_provider not in FARGATE_PROVIDERS
    )


def message(target: Target, role: Role, observed: Observed) -> str | None:
    """Return what a role's tasks wait for, None if none waits for an instance."""
    waiting = [task for task in observed.of_role(role) if waits(task)]
    if not waiting:
        return None
    provider = waiting[0].capacity_provider
    said = f"{_count(role, waiting)} for an EC2 instance of capacity provider {provider}."
    group = _group(target, role)
    if group is None or capacity.name_of(target, group) != provider:
        return said
    if group.managed:
        return f"{said} ECS brings it; that takes minutes."
    if is_full(target, role, observed):
        return f"{said} {_all_there(group)}"
    return (
        f"{said} Its Auto Scaling group grows for them, which takes minutes; what keeps it, tells "
        f"`aws autoscaling describe-scaling-activities --region {target.region} --auto-scaling-group-name {provider}`."
    )


def is_full(target: Target, role: Role, observed: Observed) -> bool:
    """Whether tasks of a role wait although their group has all instances that it may have, each with a task."""
    group = _group(target, role)
    if group is None or group.managed:
        return False
    name = capacity.name_of(target, group)
    mine = [task for task in observed.tasks or () if task.capacity_provider == name and not task.is_stopped]
    used = {task.container_instance for task in mine if task.container_instance}
    return len(used) >= group.maximum and any(waits(task) and task.role == role for task in mine)


def waiting_in_vain(observed: Observed) -> list[Task]:
    """Return the tasks that wait for instances of a deleted group, and keep another from its place."""
    hold = observed.holds.get("capacity")
    if hold is None or hold.reason != PROVIDER_IN_USE:
        return []
    return [task for task in observed.tasks or () if waits(task)]


def _group(target: Target, role: Role) -> Group | None:
    """Return the group of instances that is brought for a role."""
    return next((group for group in capacity.groups(target.cluster.spec) if role in group.roles), None)


def _all_there(group: Group) -> str:
    if group.members == "scheduler":
        return "The scheduler's only instance is full: it is placed when what is there has ended."
    return (
        f"The group has as many instances as spec.capacity.maximum allows ({group.maximum}), and they are full: raise "
        "it, or have fewer workers."
    )


def _count(role: Role, waiting: list[Task]) -> str:
    if role == "scheduler":
        return "The scheduler waits"
    return f"{len(waiting)} workers wait" if len(waiting) > 1 else "1 worker waits"
