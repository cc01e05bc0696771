"""What was made and others have changed is put right, and told; what is as it was costs no write."""

import dataclasses
import json
from typing import Any

import pytest

from dask_ecs.aws import ecs_clusters, logs, operations, roles, security_groups, task_definitions
from dask_ecs.aws.session import Aws
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.plan.actions import EnsureRole, EnsureSecurityGroup

from .test_roles import OWN, S3, attached, wanted
from .test_security_groups import ingress
from .test_security_groups import wanted as wanted_group

READS = ("Get", "List", "Describe")


async def mended(aws: Aws, role: EnsureRole) -> list[str]:
    told: list[str] = []
    await roles.ensure(aws, role, own_tags=OWN, tell=told.append)
    return told


async def test_a_role_that_is_as_it_was_is_only_read(aws: Aws, local_aws: LocalAWS) -> None:
    role = wanted(S3)
    await roles.ensure(aws, role, own_tags=OWN)
    local_aws.reset_calls()
    assert await mended(aws, role) == []
    asked = local_aws.calls()
    assert all(call.split(":")[1].startswith(READS) for call in asked), asked
    assert sum(asked.values()) == 4


async def test_a_policy_that_was_detached_or_attached_is_put_right(aws: Aws) -> None:
    role = wanted(S3)
    await roles.ensure(aws, role, own_tags=OWN)
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    await aws.call(operations.DETACH_ROLE_POLICY, RoleName=role.name, PolicyArn=S3)
    await aws.call(operations.ATTACH_ROLE_POLICY, RoleName=role.name, PolicyArn=admin)
    assert await mended(aws, role) == [
        f"Policy {S3} was detached from IAM role {role.name}; it is attached again.",
        f"Policy {admin} was attached to IAM role {role.name}; it is detached.",
    ]
    assert await attached(aws, role.name) == {S3}


async def test_inline_policies_and_trust_are_put_right(aws: Aws) -> None:
    role = wanted()
    await roles.ensure(aws, role, own_tags=OWN)
    everything = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    )
    await aws.call(operations.DELETE_ROLE_POLICY, RoleName=role.name, PolicyName=roles.INLINE_POLICY)
    await aws.call(operations.PUT_ROLE_POLICY, RoleName=role.name, PolicyName="more", PolicyDocument=everything)
    anybody = {**role.trust, "Statement": [{**role.trust["Statement"][0], "Principal": {"AWS": "*"}}]}
    await aws.call(operations.UPDATE_ASSUME_ROLE_POLICY, RoleName=role.name, PolicyDocument=json.dumps(anybody))
    assert await mended(aws, role) == [
        f"Who may assume IAM role {role.name} was changed; it is ECS tasks alone again.",
        f"IAM role {role.name} was given the policy more; it is deleted.",
        f"The policy dask-ecs of IAM role {role.name} was gone; it is as it was.",
    ]
    await aws.call(
        operations.PUT_ROLE_POLICY, RoleName=role.name, PolicyName=roles.INLINE_POLICY, PolicyDocument=everything
    )
    assert await mended(aws, role) == [f"The policy dask-ecs of IAM role {role.name} was changed; it is as it was."]
    assert await mended(aws, role) == []


async def test_a_boundary_that_was_taken_away_is_there_again(aws: Aws) -> None:
    role = dataclasses.replace(wanted(), permissions_boundary="arn:aws:iam::aws:policy/PowerUserAccess")
    await roles.ensure(aws, dataclasses.replace(role, permissions_boundary=None), own_tags=OWN)
    (told,) = await mended(aws, role)
    assert "PowerUserAccess again" in told
    assert await mended(aws, role) == []


async def test_a_role_that_was_deleted_is_made_again(aws: Aws) -> None:
    role = wanted(S3)
    arn = await roles.ensure(aws, role, own_tags=OWN)
    await roles.delete(aws, name=role.name, own_tags=OWN)
    assert await mended(aws, role) == [f"IAM role {role.name} was gone; it is made again."]
    assert await roles.ensure(aws, role, own_tags=OWN) == arn
    assert await attached(aws, role.name) == {S3}


async def ensure_group(aws: Aws, group: EnsureSecurityGroup, told: list[str]) -> str:
    return await security_groups.ensure(
        aws,
        name=group.name,
        vpc_id=group.vpc_id,
        rules=set(group.rules),
        tags=group.tags,
        own_tags=OWN,
        tell=told.append,
    )


async def test_whoever_was_let_in_besides_is_not_any_more(aws: Aws) -> None:
    group, told = await wanted_group(aws, "10.0.0.0/16"), list[str]()
    group_id = await ensure_group(aws, group, told)
    told.clear()
    other = await aws.call(operations.CREATE_SECURITY_GROUP, GroupName="other", Description="x", VpcId=group.vpc_id)
    permissions: list[dict[str, Any]] = [
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "1.2.3.4/32"}]},
        {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 9, "UserIdGroupPairs": [{"GroupId": other["GroupId"]}]},
    ]
    await aws.call(operations.AUTHORIZE_INGRESS, GroupId=group_id, IpPermissions=permissions)
    closed = {"IpProtocol": "tcp", "FromPort": 8786, "ToPort": 8786, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    await aws.call(operations.REVOKE_INGRESS, GroupId=group_id, IpPermissions=[closed])
    assert await ensure_group(aws, group, told) == group_id
    lacking, too_much = told
    assert lacking == f"Security group {group.name} did not let in 10.0.0.0/16 to TCP 8786; it does again."
    for words in ("1.2.3.4/32 to TCP 22", "0.0.0.0/0 to everything", f"{other['GroupId']} to TCP 1-9"):
        assert words in too_much
    assert await ingress(aws, group_id) == {
        (0, 65535, "itself"),
        (8786, 8786, "10.0.0.0/16"),
        (8787, 8787, "10.0.0.0/16"),
    }
    told.clear()
    await ensure_group(aws, group, told)
    assert told == []


@pytest.mark.parametrize("what", ["ECS cluster", "Log group", "Task definition"])
async def test_what_was_deleted_is_made_again(aws: Aws, what: str) -> None:
    told: list[str] = []

    async def ensure() -> None:
        match what:
            case "ECS cluster":
                await ecs_clusters.ensure(aws, name="drifts", tags=OWN, own_tags=OWN, tell=told.append)
            case "Log group":
                await logs.ensure_group(aws, name="drifts", retention_days=30, tags=OWN, tell=told.append)
            case _:
                container = {"name": "worker", "image": "dask", "memory": 512}
                request = {"family": "drifts", "containerDefinitions": [container]}
                await task_definitions.ensure(aws, request, tell=told.append)

    await ensure()
    told.clear()
    await ensure()
    assert told == []
    match what:
        case "ECS cluster":
            await ecs_clusters.delete(aws, name="drifts", own_tags=OWN)
        case "Log group":
            client = await aws._sessions.client("logs", aws.region)
            await client.delete_log_group(logGroupName="drifts")
        case _:
            await task_definitions.deregister(aws, family="drifts")
    await ensure()
    assert told[0].startswith(f"{what} drifts was ")
    assert told[0].endswith(" again.")
