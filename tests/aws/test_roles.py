import uuid

import pytest

from dask_ecs.aws import operations, roles
from dask_ecs.aws.errors import AwsError, NotOursError
from dask_ecs.aws.session import Aws
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.plan.actions import EnsureRole
from dask_ecs.plan.roles import execution_policy, trust

OWN = {"ecs.dask.org/uid": "u-1"}
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
S3 = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def wanted(*policies: str) -> EnsureRole:
    return EnsureRole(
        subject="taskRole",
        name=f"role-{uuid.uuid4().hex[:8]}",
        path="/dask-ecs/",
        trust=trust(account_id="123456789012", region="eu-west-1"),
        inline_policy=execution_policy(account_id="123456789012", region="eu-west-1", log_group="dask-ecs"),
        attached_policies=policies,
        tags=OWN,
    )


async def attached(aws: Aws, name: str) -> set[str]:
    listing = aws.pages(operations.LIST_ATTACHED_ROLE_POLICIES, "AttachedPolicies", RoleName=name)
    return {policy["PolicyArn"] async for policy in listing}


async def test_a_role_made_twice_is_one_role(aws: Aws) -> None:
    role = wanted()
    assert await roles.ensure(aws, role, own_tags=OWN) == await roles.ensure(aws, role, own_tags=OWN)


async def test_a_role_has_exactly_the_wanted_policies(aws: Aws) -> None:
    role = wanted(READ_ONLY)
    await roles.ensure(aws, role, own_tags=OWN)
    assert await attached(aws, role.name) == {READ_ONLY}
    changed = EnsureRole(**{**vars(role), "attached_policies": (S3,)})
    await roles.ensure(aws, changed, own_tags=OWN)
    assert await attached(aws, role.name) == {S3}


async def test_a_role_goes_with_its_policies_and_going_twice_is_fine(aws: Aws) -> None:
    role = wanted(READ_ONLY)
    await roles.ensure(aws, role, own_tags=OWN)
    await roles.delete(aws, name=role.name, own_tags=OWN)
    await roles.delete(aws, name=role.name, own_tags=OWN)
    with pytest.raises(AwsError, match="NoSuchEntity"):
        await aws.call(operations.GET_ROLE, RoleName=role.name)


async def test_a_role_of_somebody_else_is_neither_used_nor_deleted(aws: Aws) -> None:
    role = wanted()
    await aws.call(operations.CREATE_ROLE, RoleName=role.name, AssumeRolePolicyDocument="{}")
    with pytest.raises(NotOursError, match=role.name):
        await roles.ensure(aws, role, own_tags=OWN)
    with pytest.raises(NotOursError, match=role.name):
        await roles.delete(aws, name=role.name, own_tags=OWN)
    assert (await aws.call(operations.GET_ROLE, RoleName=role.name))["Role"]["RoleName"] == role.name


async def test_a_role_that_was_made_with_a_policy_goes_without_a_refusal(aws: Aws, local_aws: LocalAWS) -> None:
    role = wanted()
    await roles.ensure(aws, role, own_tags=OWN)
    local_aws.reset_calls()
    await roles.delete(aws, name=role.name, own_tags=OWN, has_policy=True)
    assert local_aws.calls() == {"iam:GetRole": 1, "iam:DeleteRolePolicy": 1, "iam:DeleteRole": 1}
