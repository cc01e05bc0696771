"""What a tenant names on AWS, set against what the operator's owner admits."""

from __future__ import annotations

import dataclasses
import fnmatch
from typing import TYPE_CHECKING

from dask_ecs.plan import secrets
from dask_ecs.plan.problems import NeedsUser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.settings import Settings
    from dask_ecs.plan.target import Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of thing by which a tenant would gain what it may do or holds."""

    reason: str
    """Of the condition that says so."""
    noun: str
    option: str
    """Of `dask-ecs run`, by which the owner admits some."""
    patterns: Callable[[Settings], tuple[str, ...]]
    """The globs that are admitted."""
    instead: str = "Leave it out"
    """What the tenant can do without."""


ROLE = Kind(
    reason="RoleNotAllowed",
    noun="role",
    option="--allow-role",
    patterns=lambda settings: settings.allow_roles,
    instead="Leave it out to have one made",
)
TASK_ROLE_POLICY = Kind(
    reason="PolicyNotAllowed",
    noun="policy",
    option="--allow-task-role-policy",
    patterns=lambda settings: settings.allow_task_role_policies,
)
SECRET = Kind(
    reason="SecretNotAllowed",
    noun="secret",
    option="--allow-secret",
    patterns=lambda settings: settings.allow_secrets,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Named:
    """One thing that a spec names."""

    kind: Kind
    field: str
    """Below `spec`, as `iam.taskRoleArn`."""
    value: str


def admit(target: Target) -> None:
    """Check all that a tenant names.

    Raises:
        NeedsUser: something is not admitted.

    """
    for it in named(target.cluster.spec):
        if not any(fnmatch.fnmatchcase(it.value, pattern) for pattern in it.kind.patterns(target.settings)):
            raise NeedsUser(
                it.kind.reason,
                f"spec.{it.field}: the operator does not admit {it.kind.noun} {it.value}. {it.kind.instead}, "
                f"or ask the operator's owner to start it with {it.kind.option} '{it.value}'.",
            )


def named(spec: DaskClusterSpec) -> Iterator[Named]:
    """Return all that has to be admitted, in the order in which it is told."""
    for field, arn in (("executionRoleArn", spec.iam.execution_role_arn), ("taskRoleArn", spec.iam.task_role_arn)):
        if arn:
            yield Named(kind=ROLE, field=f"iam.{field}", value=arn)
    for arn in spec.iam.task_role_policies:
        yield Named(kind=TASK_ROLE_POLICY, field="iam.taskRolePolicies", value=arn)
    for secret in secrets.named(spec):
        yield Named(kind=SECRET, field=secret.field, value=secret.arn)
