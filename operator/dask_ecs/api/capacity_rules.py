"""What the fields of capacity demand of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dask_ecs.api.rules import Rule

if TYPE_CHECKING:
    from dask_ecs.api.capacity import Capacity


def _types_are_named(capacity: Capacity) -> bool:
    return capacity.managed_instances is not None or bool(capacity.instance_types)


def _minimum_is_not_above_maximum(capacity: Capacity) -> bool:
    return capacity.minimum <= capacity.most


def _ecs_manages(capacity: Capacity) -> bool:
    given = (
        capacity.scheduler_instance_types,
        capacity.minimum,
        capacity.maximum,
        capacity.on_demand_percentage is not None,
        capacity.ami,
        capacity.key_name,
        capacity.user_data,
        capacity.instance_profile_arn,
        capacity.volume_tags,
    )
    return capacity.managed_instances is None or not any(given)


CAPACITY_RULES = (
    Rule(
        cel="has(self.managedInstances) || (has(self.instanceTypes) && self.instanceTypes.size() > 0)",
        holds=_types_are_named,
        message="no machines are named: write instanceTypes, as [m6i.xlarge], or managedInstances: {}",
        field=".instanceTypes",
    ),
    Rule(
        cel="self.minimum <= (has(self.maximum) ? self.maximum : 100)",
        holds=_minimum_is_not_above_maximum,
        message="minimum is larger than maximum (100 where none is given): lower it, or raise maximum",
        field=".minimum",
    ),
    Rule(
        cel="!has(self.managedInstances) || (self.minimum == 0 && !has(self.maximum) && !has(self.onDemandPercentage)"
        " && !has(self.ami) && !has(self.keyName) && !has(self.userData) && !has(self.instanceProfileArn)"
        " && (!has(self.schedulerInstanceTypes) || self.schedulerInstanceTypes.size() == 0)"
        " && (!has(self.volumeTags) || self.volumeTags.size() == 0))",
        holds=_ecs_manages,
        message="ECS chooses and sets up managed instances itself: remove minimum, maximum, onDemandPercentage, ami, "
        "keyName, userData, instanceProfileArn, volumeTags and schedulerInstanceTypes, or remove managedInstances",
        field=".managedInstances",
    ),
)
