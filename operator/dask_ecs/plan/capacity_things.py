"""What brings instances for a cluster, by name: in which order it can be deleted, and when nobody needs it any more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dask_ecs.plan import capacity, instance_roles, names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dask_ecs.plan.made import Kind, Made
    from dask_ecs.plan.target import Target

BY_GROUP: tuple[Kind, ...] = ("auto-scaling-group", "capacity-provider", "launch-template")
"""What each group of instances has, all by one name."""

AFTER: dict[str, tuple[Kind, ...]] = {
    "capacity-provider": ("auto-scaling-group",),
    "ecs-cluster": ("auto-scaling-group", "capacity-provider"),
    "security-group": ("auto-scaling-group", "capacity-provider"),
    "launch-template": ("auto-scaling-group",),
    "instance-profile": ("auto-scaling-group", "capacity-provider"),
    "iam-role": ("instance-profile", "capacity-provider"),
}
"""Kinds of things that can be deleted only after others: instances use them, or AWS refuses it."""


def instance_role_name(target: Target, *, ecs_cluster: str) -> str:
    """Return the name of the role of the instances; it ends with a hash of all that it may do."""
    policy = instance_roles.agent_policy(account_id="", region=target.region, ecs_cluster=ecs_cluster)
    return _role_name(target, "instance", policy)


def managing_role_name(target: Target) -> str:
    """Return the name of the role with which ECS manages instances."""
    return _role_name(target, "managing", instance_roles.MANAGING_POLICY)


def _role_name(target: Target, use: str, content: object) -> str:
    settings = target.settings
    text = json.dumps([use, content, settings.permissions_boundary, settings.role_path], sort_keys=True)
    return target.made_name(use, names.short_hash(text), limit=names.IAM_ROLE_NAME)


def wanted(target: Target, *, ecs_cluster: str) -> list[tuple[Kind, str]]:
    """Return all that the spec has made for its instances."""
    spec = target.cluster.spec
    groups = capacity.groups(spec)
    if spec.capacity is None or not groups:
        return []
    found: list[tuple[Kind, str]] = []
    managed = spec.capacity.managed_instances is not None
    for group in groups:
        kinds: tuple[Kind, ...] = ("capacity-provider",) if managed else BY_GROUP
        found += [(kind, capacity.name_of(target, group)) for kind in kinds]
    if managed:
        found.append(("iam-role", managing_role_name(target)))
    if not spec.capacity.instance_profile_arn:
        found.append(("instance-profile", capacity.instance_profile_name(target)))
        found.append(("iam-role", instance_role_name(target, ecs_cluster=ecs_cluster)))
    return found


def unused(older: Iterable[Made], *, providers_in_use: Collection[str | None]) -> list[Made]:
    """Return which things of older specs no task's instance needs any more."""
    things = [thing for thing in older if thing.kind in (*BY_GROUP, "instance-profile")]
    in_use = {thing.name for thing in things if thing.kind in BY_GROUP and thing.name in providers_in_use}
    return [
        thing
        for thing in things
        if (thing.kind in BY_GROUP and thing.name not in in_use) or (thing.kind == "instance-profile" and not in_use)
    ]
