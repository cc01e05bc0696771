"""How instances come to a cluster, and how what brought them goes: what is missing of it, in AWS's order.

A group is made without instances, and has its minimum once its capacity provider is the ECS cluster's: instances that
were there before are nobody's (ECS developer guide, "Amazon ECS capacity providers for EC2").
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from dask_ecs.plan import (
    actions,
    capacity,
    capacity_actions,
    capacity_providers,
    capacity_things,
    instance_roles,
    instance_types,
    launch_template,
    made,
)
from dask_ecs.plan.roles import partition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dask_ecs.plan.action import Action
    from dask_ecs.plan.capacity import Group
    from dask_ecs.plan.made import Made
    from dask_ecs.plan.observed import EcsCluster, GivenDefinition, Known, Network, Role
    from dask_ecs.plan.target import Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Around:
    """What there is of the rest, that instances need."""

    account_id: str
    ecs_cluster: EcsCluster | None
    networks: Mapping[Role, Network]
    security_group_id: str | None
    given_definitions: Mapping[Role, GivenDefinition]


def look(target: Target) -> list[capacity_actions.DescribeInstanceTypes]:
    """Return how to learn what the named instance types hold, which has to be known before anything is made."""
    spec = target.cluster.spec
    names = tuple(sorted({name for role in spec.roles for name in instance_types.named(spec, role)}))
    return [capacity_actions.DescribeInstanceTypes(names=names)] if names else []


def check(target: Target, known: Known, given: Mapping[Role, GivenDefinition]) -> None:
    """Check that the tasks fit the named instance types, as far as these are known.

    Raises:
        NeedsUser: they do not.

    """
    for action in look(target):
        if (found := known.answer(action)) is not None:
            instance_types.check(target.cluster.spec, found, given)


def plan(target: Target, known: Known, around: Around) -> tuple[list[Action[Any]], bool]:
    """Return all that has to be there and can be planned, and whether that is all there is to it."""
    spec = target.cluster.spec
    groups = capacity.groups(spec, around.given_definitions)
    if spec.capacity is None or not groups:
        return [], True
    wanted: list[Action[Any]] = []
    profile = spec.capacity.instance_profile_arn
    if not profile:
        role = _instance_role(target, around.account_id)
        made_profile = capacity_actions.EnsureInstanceProfile(
            name=capacity.instance_profile_name(target),
            path=target.settings.role_path,
            role=role.name,
            tags=target.made_tags,
        )
        wanted.append(role)
        role_arn = known.answer(role)
        if role_arn:
            wanted.append(made_profile)
            profile = known.answer(made_profile)
    if profile is None:
        return wanted, False
    ready: list[Group] = []
    for group in groups:
        found, is_made = _group(target, known, around, group, profile=profile)
        wanted += [action for action in found if action not in wanted]  # the managing role is for all groups
        ready += [group] if is_made else []
    if around.ecs_cluster is None or len(ready) < len(groups):
        return wanted, False
    scaled = [group for group in ready if not group.managed]
    providers = (*capacity_providers.of_made_cluster(spec), *(capacity.name_of(target, group) for group in scaled))
    if not providers:
        return wanted, True
    over = tuple(
        action.group_arn
        for action in wanted
        if isinstance(action, capacity_actions.EnsureCapacityProvider) and action.group_arn
    )
    associate = actions.AssociateCapacityProviders(
        subject="capacity",
        name=made.ecs_cluster_name(target),
        arn=around.ecs_cluster.arn,
        providers=providers,
        groups=over,
    )
    wanted.append(associate)
    if known.answer(associate) is None:
        return wanted, False
    sizes = [
        capacity_actions.SizeAutoScalingGroup(
            name=capacity.name_of(target, group), minimum=group.minimum, maximum=group.maximum
        )
        for group in scaled
    ]
    return [*wanted, *sizes], all(known.answer(size) is not None for size in sizes)


def _group(
    target: Target, known: Known, around: Around, group: Group, *, profile: str
) -> tuple[list[Action[Any]], bool]:
    network = around.networks.get(group.roles[0])
    security_groups = group.security_groups or ((around.security_group_id,) if around.security_group_id else ())
    if network is None or not security_groups:
        return [], False
    if group.managed:
        return _managed(target, known, around, group, profile=profile, network=network, security_groups=security_groups)
    name = capacity.name_of(target, group)
    template = capacity_actions.EnsureLaunchTemplate(
        name=name,
        data=launch_template.data(target, group, instance_profile=profile, security_groups=security_groups),
        tags=target.made_tags,
    )
    version = known.answer(template)
    if version is None:
        return [template], False
    scaling = capacity_actions.EnsureAutoScalingGroup(
        name=name,
        template_version=version,
        subnets=network.subnets,
        instance_types=group.instance_types,
        on_demand_percentage=group.on_demand_percentage,
        tags=target.made_tags,
    )
    arn = known.answer(scaling)
    if arn is None or around.ecs_cluster is None:
        return [template, scaling], False
    provider = capacity_actions.EnsureCapacityProvider(
        name=name, ecs_cluster=around.ecs_cluster.arn, group_arn=arn, tags=target.made_tags
    )
    return [template, scaling, provider], known.answer(provider) is not None


def _managed(
    target: Target,
    known: Known,
    around: Around,
    group: Group,
    *,
    profile: str,
    network: Network,
    security_groups: tuple[str, ...],
) -> tuple[list[Action[Any]], bool]:
    spec = target.cluster.spec
    assert spec.capacity is not None
    instance_role = known.answer(_instance_role(target, around.account_id))
    if instance_role is None:
        return [], False
    role = actions.EnsureRole(
        subject="capacity",
        name=capacity_things.managing_role_name(target),
        path=target.settings.role_path,
        trust=instance_roles.trust("ecs", region=target.region),
        inline_policy=instance_roles.pass_to_ec2(instance_role),
        attached_policies=(f"arn:{partition(target.region)}:iam::aws:{instance_roles.MANAGING_POLICY}",),
        permissions_boundary=target.settings.permissions_boundary,
        tags=target.made_tags,
    )
    role_arn = known.answer(role)
    if role_arn is None or around.ecs_cluster is None:
        return [role], False
    template = {
        "ec2InstanceProfileArn": profile,
        "networkConfiguration": {"subnets": list(network.subnets), "securityGroups": list(security_groups)},
        "storageConfiguration": {"storageSizeGiB": spec.capacity.filesystem_gib},
        "monitoring": "DETAILED" if spec.capacity.monitoring else "BASIC",
        "capacityOptionType": "SPOT" if group.spot else "ON_DEMAND",
        "instanceRequirements": capacity.requirements(spec, group),
    }
    provider = capacity_actions.EnsureCapacityProvider(
        name=capacity.name_of(target, group),
        ecs_cluster=around.ecs_cluster.arn,
        managed_instances={
            "infrastructureRoleArn": role_arn,
            "instanceLaunchTemplate": template,
            "propagateTags": "CAPACITY_PROVIDER",
        },
        tags=target.made_tags,
    )
    return [role, provider], known.answer(provider) is not None


def _instance_role(target: Target, account_id: str) -> actions.EnsureRole:
    ecs_cluster = made.ecs_cluster_name(target)
    return actions.EnsureRole(
        subject="capacity",
        name=capacity_things.instance_role_name(target, ecs_cluster=ecs_cluster),
        path=target.settings.role_path,
        trust=instance_roles.trust("ec2", region=target.region),
        inline_policy=instance_roles.agent_policy(account_id=account_id, region=target.region, ecs_cluster=ecs_cluster),
        permissions_boundary=target.settings.permissions_boundary,
        tags=target.made_tags,
    )


def deletions(target: Target, things: Iterable[Made]) -> list[Action[Any]]:
    """Return the deletion of what brought instances."""
    things = list(things)
    going = tuple(sorted(thing.name for thing in things if thing.kind == "capacity-provider"))
    todo: list[Action[Any]] = []
    for thing in things:
        match thing.kind:
            case "auto-scaling-group":
                todo.append(capacity_actions.DeleteAutoScalingGroup(name=thing.name, tags=target.own_tags))
            case "capacity-provider":
                todo.append(
                    capacity_actions.DeleteCapacityProvider(
                        name=thing.name, tags=target.own_tags, ecs_cluster=made.ecs_cluster_name(target), going=going
                    )
                )
            case "launch-template":
                todo.append(capacity_actions.DeleteLaunchTemplate(name=thing.name, tags=target.own_tags))
            case "instance-profile":
                todo.append(capacity_actions.DeleteInstanceProfile(name=thing.name, tags=target.own_tags))
    return todo


def possible(left: Iterable[Action[Any]]) -> list[Action[Any]]:
    """Return which of the deletions that are left can be done now, as AWS's order has it."""
    left = list(left)
    kinds = {_kind(action) for action in left}
    return [action for action in left if not kinds.intersection(capacity_things.AFTER.get(_kind(action), ()))]


def _kind(action: Action[Any]) -> str:
    return (action.thing or "").partition("/")[0]
