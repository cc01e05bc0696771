"""IAM roles that are made for a cluster's tasks."""

import json
from collections.abc import Mapping
from typing import Any

from dask_ecs.aws import operations
from dask_ecs.aws.errors import AwsError, Kind, NotOursError
from dask_ecs.aws.session import Aws
from dask_ecs.aws.tags import carries, from_upper, upper_tags
from dask_ecs.plan.actions import EnsureRole

INLINE_POLICY = "dask-ecs"


async def ensure(aws: Aws, wanted: EnsureRole, *, own_tags: Mapping[str, str]) -> str:
    """Create the role, or find it, give it exactly the wanted policies, and return its ARN.

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
        role = made["Role"]
        attached: set[str] = set()
    elif not carries(from_upper(role.get("Tags", ())), own_tags):
        raise NotOursError(
            operation=str(operations.CREATE_ROLE),
            code="NotOurs",
            message=f"IAM role {wanted.name} was not made for these clusters; rename or delete it",
            kind=Kind.NEEDS_USER,
        )
    else:
        attached = await _attached(aws, wanted.name)
    if wanted.inline_policy:
        await aws.call(
            operations.PUT_ROLE_POLICY,
            RoleName=wanted.name,
            PolicyName=INLINE_POLICY,
            PolicyDocument=json.dumps(wanted.inline_policy),
        )
    for arn in sorted(set(wanted.attached_policies) - attached):
        await aws.call(operations.ATTACH_ROLE_POLICY, RoleName=wanted.name, PolicyArn=arn)
    for arn in sorted(attached - set(wanted.attached_policies)):
        await aws.call(operations.DETACH_ROLE_POLICY, RoleName=wanted.name, PolicyArn=arn)
    return str(role["Arn"])


async def delete(aws: Aws, *, name: str, own_tags: Mapping[str, str]) -> None:
    """Delete the role of this name with its policies, if it is there and ours."""
    role = await _get(aws, name)
    if role is None or not carries(from_upper(role.get("Tags", ())), own_tags):
        return
    # Which policies it has is asked only where those that it was made with are not all.
    for delete_policies in (_no_policies, _delete_inline_policy, _delete_all_policies):
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
    async for policy in aws.pages(operations.LIST_ROLE_POLICIES, "PolicyNames", RoleName=name):
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
