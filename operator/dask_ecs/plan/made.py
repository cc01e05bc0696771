"""What is made on AWS for a cluster besides its tasks: by name alone, which tells what it holds."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import TYPE_CHECKING, Literal, get_args

from dask_ecs.plan import capacity_things, names, roles, secrets, task_definitions
from dask_ecs.plan.pins import NO_PINS, Pins
from dask_ecs.plan.target import Target, of_spec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dask_ecs.plan.observed import Role

Kind = Literal[
    "task-definition",
    "auto-scaling-group",
    "capacity-provider",
    "launch-template",
    "instance-profile",
    "iam-role",
    "security-group",
    "secret",
    "ecs-cluster",
    "log-group",
]
RoleUse = Literal["execution", "task"]


@dataclasses.dataclass(frozen=True)
class Made:
    """One thing; as text `kind/name`, as the status lists it."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def read(listed: Iterable[str]) -> tuple[Made, ...]:
    """Return what a status lists, in the order in which it can be deleted; what nobody knows is left out."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    found = [tuple(entry.split("/", 1)) for entry in sorted(listed)]
    return tuple(Made(kind, name) for kind in kinds for listed_kind, name in found if listed_kind == kind)


@of_spec
def wanted(target: Target, pins: Pins = NO_PINS) -> tuple[Made, ...]:
    """Return all that the spec has made, whether it is there yet or not."""
    spec = target.cluster.spec
    ours = [role for role in spec.roles if not spec.role(role).task_definition_arn]
    found = [Made("task-definition", family(target, role, pins.of(role))) for role in ours]
    if ours and not spec.iam.execution_role_arn:
        found.append(Made("iam-role", role_name(target, "execution")))
    if ours and not spec.iam.task_role_arn:
        found.append(Made("iam-role", role_name(target, "task")))
    if spec.needs_security_group:
        found.append(Made("security-group", security_group_name(target)))
    if target.has_tls:
        found.append(Made("secret", secret_name(target)))
    if not spec.cluster_arn:
        found.append(Made("ecs-cluster", ecs_cluster_name(target)))
    if ours and spec.logs.deletion_policy == "Delete":
        found.append(Made("log-group", spec.logs.group))
    found += (Made(kind, name) for kind, name in capacity_things.wanted(target, ecs_cluster=ecs_cluster_name(target)))
    return tuple(found)


def used(made: Iterable[str], *, log_group: str | None) -> frozenset[str]:
    """Return all that a cluster keeps others from deleting, as kind/name: also a log group that it would leave."""
    groups = {str(Made("log-group", log_group))} if log_group else set()
    return frozenset({*made, *groups})


def obsolete(
    target: Target,
    running: Iterable[str],
    *,
    pins: Pins = NO_PINS,
    providers_in_use: Collection[str | None] = (),
) -> tuple[Made, ...]:
    """Return the task definitions, roles and groups of instances of older specs that no task uses any more.

    `running` are the ARNs of all tasks' definitions; as long as one is of an older spec, all roles stay.
    `providers_in_use` are the capacity providers of all tasks.
    """
    families = {family_of(arn) for arn in running}
    now = wanted(target, pins)
    older = [thing for thing in read(target.cluster.status.made) if thing not in now]
    given = {arn for role in target.cluster.spec.roles if (arn := target.cluster.spec.role(role).task_definition_arn)}
    current = families <= {*(thing.name for thing in (*now, *wanted(target))), *map(family_of, given)}
    unused = capacity_things.unused(older, providers_in_use=providers_in_use)
    return tuple(
        thing
        for thing in older
        if thing in unused
        or (thing.kind == "task-definition" and thing.name not in families)
        or (thing.kind == "iam-role" and current)
    )


def ecs_cluster_name(target: Target) -> str:
    """Return the name of the ECS cluster, where one is made."""
    return target.made_name(limit=names.ECS_NAME)


@of_spec
def security_group_name(target: Target) -> str:
    """Return the name of the security group, where one is made; another network than the default has its own.

    So have workers whose scheduler runs elsewhere, for theirs is open at more ports.
    """
    spec = target.cluster.spec
    given = spec.network.vpc_id or ",".join(sorted(spec.subnets_of(spec.roles[0])))
    parts = [names.short_hash(given)] if given else []
    if spec.scheduler.address:  # a word by itself could be the end of another namespace's name
        parts = ["workers", names.short_hash(given)]
    return target.made_name(*parts, limit=names.SECURITY_GROUP_NAME)


def secret_name(target: Target) -> str:
    """Return the name of the secret that holds the certificate."""
    return target.made_name("tls", limit=names.SECRET_NAME)


@of_spec
def role_name(target: Target, use: RoleUse) -> str:
    """Return the name of an IAM role, where one is made: it ends with a hash of all that the role may do."""
    spec, settings = target.cluster.spec, target.settings
    content = _role_hash(
        use,
        region=target.region,
        log_group=spec.logs.group if use == "execution" else None,
        readable=secrets.readable(target) if use == "execution" else (),
        certificate=secret_name(target) if use == "execution" and target.has_tls else None,
        policies=spec.iam.task_role_policies if use == "task" else (),
        execute_command=use == "task" and bool(spec.enable_execute_command),
        boundary=settings.permissions_boundary,
        path=settings.role_path,
    )
    return target.made_name(use, content, limit=names.IAM_ROLE_NAME)


def is_execution_role(name: str) -> bool:
    """Whether a role that is made is for ECS itself, which has a policy of its own."""
    return "-execution-" in name


@of_spec
def family(target: Target, role: Role, image: str | None = None) -> str:
    """Return the family of a role's task definition: it ends with a hash of all that the definition holds.

    `image` is given where it is not the spec's.
    """
    iam = target.cluster.spec.iam
    certificate = secret_name(target) if target.has_tls else None
    content = _definition_hash(
        task_definitions.Ingredients.of(target, role, certificate=certificate, image=image),
        execution_role=iam.execution_role_arn or role_name(target, "execution"),
        task_role=iam.task_role_arn or role_name(target, "task"),
    )
    return target.made_name(role, content, limit=names.ECS_NAME)


def family_of(task_definition_arn: str) -> str:
    """Return the family of a task definition."""
    return task_definition_arn.rsplit("/", 1)[-1].rsplit(":", 1)[0]


@functools.lru_cache(maxsize=4096)
def _role_hash(
    use: RoleUse,
    *,
    region: str,
    log_group: str | None,
    readable: tuple[str, ...],
    certificate: str | None,
    policies: tuple[str, ...],
    execute_command: bool,
    boundary: str | None,
    path: str,
) -> str:
    policy = (
        roles.execution_policy(
            account_id="", region=region, log_group=log_group, secrets=readable, certificate=certificate
        )
        if log_group
        else roles.task_policy(execute_command=execute_command)
    )
    content = [use, roles.trust(account_id="", region=region), policy, sorted(policies), boundary, path]
    return names.short_hash(json.dumps(content, sort_keys=True))


@functools.lru_cache(maxsize=4096)
def _definition_hash(of: task_definitions.Ingredients, *, execution_role: str, task_role: str) -> str:
    content = task_definitions.content(of, execution_role=execution_role, task_role=task_role)
    return names.short_hash(json.dumps(content, sort_keys=True))
