"""Auto Scaling groups: moto's, with what ECS' managed scaling and a group's deletion need besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import moto.autoscaling.models
from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends

from .launching import LocalGroup

if TYPE_CHECKING:
    from ..moto_server import Moto
    from ..wire import ServiceCall

# Moto's backend makes its groups by this name.
moto.autoscaling.models.FakeAutoScalingGroup = LocalGroup

_ARN_OF_NAME: Final = ":autoScalingGroupName/"


@dataclass(frozen=True, slots=True)
class Group:
    """A group as ECS sees it."""

    name: str
    minimum: int
    maximum: int
    desired: int
    protects_new_instances: bool
    type_names: tuple[str, ...]
    """The instance types that it may launch."""


class Groups:
    """The groups of every account and region."""

    def __init__(self, moto_: Moto) -> None:
        self._moto = moto_

    async def describe(self, account: str, region: str, arn: str) -> Group | None:
        """Return the group that an ARN, or a name, stands for."""
        return await self._moto.run(lambda: _describe(account, region, arn))

    async def set_desired(self, account: str, region: str, name: str, count: int) -> None:
        """Have so many instances."""
        await self._moto.run(lambda: autoscaling_backends[account][region].set_desired_capacity(name, count))

    async def remove(self, account: str, region: str, name: str, instance_ids: list[str]) -> None:
        """Take instances out of the group and terminate them, protected or not."""
        await self._moto.run(lambda: _remove(account, region, name, set(instance_ids)))

    async def refusal(self, call: ServiceCall, account: str) -> tuple[str, str] | None:
        """Return code and message of the error with which AWS answers a call that moto lets through."""
        name = str(call.parameters.get("AutoScalingGroupName", ""))
        if call.operation == "CreateAutoScalingGroup":
            if await self.describe(account, call.region, name):
                return "AlreadyExists", (
                    f"AutoScalingGroup by this name already exists - A group with the name {name} already exists"
                )
        elif call.operation == "DeleteAutoScalingGroup":
            force = call.parameters.get("ForceDelete") == "true"
            if not await self._moto.run(lambda: _may_be_deleted(account, call.region, name, force=force)):
                return "ResourceInUse", (
                    "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance"
                    " request(s) still in the group."
                )
        return None


def name_of(reference: str) -> str:
    """Return the name of the group that an ARN or a name stands for."""
    return reference.rpartition(_ARN_OF_NAME)[2]


def _describe(account: str, region: str, reference: str) -> Group | None:
    group = _find(account, region, name_of(reference))
    if group is None or reference not in (group.name, group.arn):
        return None
    return Group(
        name=group.name,
        minimum=group.min_size or 0,
        maximum=group.max_size or 0,
        desired=group.desired_capacity or 0,
        protects_new_instances=group.new_instances_protected_from_scale_in,
        type_names=LocalGroup.type_names(group),
    )


def _remove(account: str, region: str, name: str, instance_ids: set[str]) -> None:
    group = _find(account, region, name)
    if group is None:
        return
    going = [state.instance.id for state in group.instance_states if state.instance.id in instance_ids]
    group.instance_states = [state for state in group.instance_states if state.instance.id not in instance_ids]
    group.desired_capacity = (group.desired_capacity or 0) - len(going)
    if going:
        group.ec2_backend.terminate_instances(going)


def _may_be_deleted(account: str, region: str, name: str, *, force: bool) -> bool:
    """Whether the group has no instances, or none that stand in the way: to force it also ends protected ones."""
    group = _find(account, region, name)
    if group is None:
        return True
    for state in group.instance_states if force else ():
        state.protected_from_scale_in = False
    return force or not group.instance_states


def _find(account: str, region: str, name: str) -> FakeAutoScalingGroup | None:
    groups: dict[str, Any] = autoscaling_backends[account][region].autoscaling_groups
    return groups.get(name)
