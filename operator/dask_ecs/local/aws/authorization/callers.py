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
        found = iam.get_role_by_arn(role.role_arn)
        boundary = found.permissions_boundary_arn
        return Caller(role.arn, tuple(_policies(found)), _document(iam.get_policy(boundary)) if boundary else None)
    if user := iam.get_user_from_access_key_id(access_key):
        groups: Iterable[Any] = iam.get_groups_for_user(user.name)
        return Caller(user.arn, tuple(document for each in (user, *groups) for document in _policies(each)))
    return None


def by_arn(account: str, arn: str) -> Caller | None:
    """Return a user or role of this ARN."""
    iam = iam_backends[account]["aws"]
    for one in (*iam.list_users("/", None, None), *iam.get_roles()):
        if one.arn == arn:
            boundary = getattr(one, "permissions_boundary_arn", None)
            return Caller(arn, tuple(_policies(one)), _document(iam.get_policy(boundary)) if boundary else None)
    return None


def _policies(owner: Any) -> Iterator[str]:
    yield from owner.policies.values()
    yield from map(_document, owner.managed_policies.values())


def _document(policy: Any) -> str:
    return next(str(version.document) for version in policy.versions if version.is_default)
