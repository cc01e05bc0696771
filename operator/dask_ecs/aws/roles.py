"""IAM roles that are made for a cluster's tasks."""

import json
from collections.abc import Mapping, Set
from typing import Any

from dask_ecs.aws import operations, ownership
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.aws.tags import upper_tags
from dask_ecs.plan.actions import EnsureRole

INLINE_POLICY = "dask-ecs"


async def ensure(aws: Aws, wanted: EnsureRole, *, own_tags: Mapping[str, str], tell: Tell = nobody) -> str:
    """Create the role, or find it, give it exactly the wanted trust and policies, and return its ARN.

    Raises:
        NotOursError: there is one of that name that is somebody else's.

    """
    role = await _get(aws, wanted.name)
    if role is None:
        boundary = {"PermissionsBoundary": wanted.permissions_boundary} if wanted.permissions_boundary else {}
        made = await aws.call(
            operations.CREATE_ROLE,
            RoleName=wanted.name,
            Path=wanted.path,
            AssumeRolePolicyDocument=json.dumps(wanted.trust),
            Description="Dask cluster on ECS, made by dask-ecs-operator",
            Tags=upper_tags(wanted.tags),
            **boundary,
        )
        tell(f"IAM role {wanted.name} was gone; it is made again.")
        role, tell = made["Role"], nobody
        attached, inline = set[str](), set[str]()
    else:
        ownership.check(role, own_tags, what=f"IAM role {wanted.name}", operation=operations.CREATE_ROLE)
        await _restore_trust(aws, wanted, role, tell=tell)
        await _restore_boundary(aws, wanted, role, tell=tell)
        attached, inline = await _attached(aws, wanted.name), await _inline(aws, wanted.name)
    await _restore_inline(aws, wanted, inline, tell=tell)
    for arn in sorted(set(wanted.attached_policies) - attached):
        await aws.call(operations.ATTACH_ROLE_POLICY, RoleName=wanted.name, PolicyArn=arn)
        tell(f"Policy {arn} was detached from IAM role {wanted.name}; it is attached again.")
    for arn in sorted(attached - set(wanted.attached_policies)):
        await aws.call(operations.DETACH_ROLE_POLICY, RoleName=wanted.name, PolicyArn=arn)
        tell(f"Policy {arn} was attached to IAM role {wanted.name}; it is detached.")
    return str(role["Arn"])


async def _restore_trust(aws: Aws, wanted: EnsureRole, role: Mapping[str, Any], *, tell: Tell) -> None:
    if role.get("AssumeRolePolicyDocument") == wanted.trust:
        return
    await aws.call(operations.UPDATE_ASSUME_ROLE_POLICY, RoleName=wanted.name, PolicyDocument=json.dumps(wanted.trust))
    tell(f"Who may assume IAM role {wanted.name} was changed; it is ECS tasks alone again.")


async def _restore_boundary(aws: Aws, wanted: EnsureRole, role: Mapping[str, Any], *, tell: Tell) -> None:
    boundary = wanted.permissions_boundary
    if not boundary or role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") == boundary:
        return
    await aws.call(operations.PUT_ROLE_PERMISSIONS_BOUNDARY, RoleName=wanted.name, PermissionsBoundary=boundary)
    tell(f"The permissions boundary of IAM role {wanted.name} was changed; it is {boundary} again.")


async def _restore_inline(aws: Aws, wanted: EnsureRole, there: Set[str], *, tell: Tell) -> None:
    for name in sorted(there - ({INLINE_POLICY} if wanted.inline_policy else set())):
        await aws.call(operations.DELETE_ROLE_POLICY, RoleName=wanted.name, PolicyName=name)
        tell(f"IAM role {wanted.name} was given the policy {name}; it is deleted.")
    if not wanted.inline_policy:
        return
    found = None
    if INLINE_POLICY in there:
        answer = await aws.call(operations.GET_ROLE_POLICY, RoleName=wanted.name, PolicyName=INLINE_POLICY)
        found = answer["PolicyDocument"]
    if found == wanted.inline_policy:
        return
    await aws.call(
        operations.PUT_ROLE_POLICY,
        RoleName=wanted.name,
        PolicyName=INLINE_POLICY,
        PolicyDocument=json.dumps(wanted.inline_policy),
    )
    tell(f"The policy {INLINE_POLICY} of IAM role {wanted.name} was {'changed' if found else 'gone'}; it is as it was.")


async def delete(aws: Aws, *, name: str, own_tags: Mapping[str, str], has_policy: bool = False) -> None:
    """Delete the role of this name with its policies, if it is there; `has_policy`: it was made with one.

    Raises:
        NotOursError: it does not carry our tags.

    """
    role = await _get(aws, name)
    if role is None:
        return
    ownership.check(role, own_tags, what=f"IAM role {name}", operation=operations.DELETE_ROLE)
    # Which policies it has is asked only where those that it was made with are not all.
    steps = (_no_policies, _delete_inline_policy, _delete_all_policies)
    for delete_policies in steps[has_policy:]:
        await delete_policies(aws, name)
        try:
            await aws.call(operations.DELETE_ROLE, RoleName=name)
        except AwsError as error:
            if error.kind is Kind.GONE:
                return
            if error.code != "DeleteConflict" or delete_policies is _delete_all_policies:
                raise
        else:
            return


async def _no_policies(aws: Aws, name: str) -> None:
    pass


async def _delete_inline_policy(aws: Aws, name: str) -> None:
    try:
        await aws.call(operations.DELETE_ROLE_POLICY, RoleName=name, PolicyName=INLINE_POLICY)
    except AwsError as error:
        if error.kind is not Kind.GONE:
            raise


async def _delete_all_policies(aws: Aws, name: str) -> None:
    for arn in await _attached(aws, name):
        await aws.call(operations.DETACH_ROLE_POLICY, RoleName=name, PolicyArn=arn)
    for policy in await _inline(aws, name):
        await aws.call(operations.DELETE_ROLE_POLICY, RoleName=name, PolicyName=policy)


async def _get(aws: Aws, name: str) -> dict[str, Any] | None:
    try:
        role: dict[str, Any] = (await aws.call(operations.GET_ROLE, RoleName=name))["Role"]
    except AwsError as error:
        if error.kind is Kind.GONE:
            return None
        raise
    return role


async def _attached(aws: Aws, name: str) -> set[str]:
    listing = aws.pages(operations.LIST_ATTACHED_ROLE_POLICIES, "AttachedPolicies", RoleName=name)
    return {policy["PolicyArn"] async for policy in listing}


async def _inline(aws: Aws, name: str) -> set[str]:
    return {policy async for policy in aws.pages(operations.LIST_ROLE_POLICIES, "PolicyNames", RoleName=name)}
