"""Who calls, by access key, and the policies that hold for it: moto's users, and the roles that were assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Caller:
    """A user or an assumed role: its ARN, its policies and, if it has one, its permissions boundary."""

    arn: str
    policies: tuple[str, ...]
    boundary: str | None = None


def find(account: str, access_key: str) -> Caller | None:
    """Return whose key it is; None for a key that IAM has not given out: whoever has one may do everything."""
    iam, sts = iam_backends[account]["aws"], sts_backends[account]["aws"]
    if role := sts.get_assumed_role_from_access_key(access_key):
        return _role(iam, iam.get_role_by_arn(role.role_arn), role.arn)
    if user := iam.get_user_from_access_key_id(access_key):
        return _user(iam, user)
    return None


def by_arn(account: str, arn: str) -> Caller | None:
    """Return the user or role of this ARN, None if there is none."""
    iam = iam_backends[account]["aws"]
    for user in iam.list_users("/", None, None):
        if user.arn == arn:
            return _user(iam, user)
    for role in iam.get_roles():
        if role.arn == arn:
            return _role(iam, role, arn)
    return None


def _user(iam: Any, user: Any) -> Caller:
    owners: Iterable[Any] = (user, *iam.get_groups_for_user(user.name))
    return Caller(user.arn, tuple(document for owner in owners for document in _policies(owner)))


def _role(iam: Any, role: Any, arn: str) -> Caller:
    boundary = role.permissions_boundary_arn
    return Caller(arn, tuple(_policies(role)), _document(iam.get_policy(boundary)) if boundary else None)


def _policies(owner: Any) -> Iterator[str]:
    yield from owner.policies.values()
    yield from map(_document, owner.managed_policies.values())


def _document(policy: Any) -> str:
    return next(str(version.document) for version in policy.versions if version.is_default)
