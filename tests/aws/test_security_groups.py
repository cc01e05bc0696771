import uuid
from typing import Any

import pytest

from dask_ecs.aws import operations, security_groups
from dask_ecs.aws.errors import NotOursError
from dask_ecs.aws.session import Aws
from dask_ecs.plan.actions import EnsureSecurityGroup
from dask_ecs.plan.security_group import rules

OWN = {"ecs.dask.org/uid": "u-1"}


async def wanted(aws: Aws, *cidrs: str) -> EnsureSecurityGroup:
    vpcs = await aws.call(operations.DESCRIBE_VPCS)
    return EnsureSecurityGroup(
        name=f"group-{uuid.uuid4().hex[:8]}",
        vpc_id=vpcs["Vpcs"][0]["VpcId"],
        rules=rules(ports=(8786, 8787), cidrs=cidrs),
        tags=OWN,
    )


async def ensure(aws: Aws, group: EnsureSecurityGroup) -> str:
    return await security_groups.ensure(
        aws, name=group.name, vpc_id=group.vpc_id, rules=set(group.rules), tags=group.tags, own_tags=OWN
    )


async def ingress(aws: Aws, group_id: str) -> set[tuple[int, int, str]]:
    answer = await aws.call(operations.DESCRIBE_SECURITY_GROUPS, GroupIds=[group_id])
    found: list[dict[str, Any]] = answer["SecurityGroups"][0]["IpPermissions"]
    return {
        (permission["FromPort"], permission["ToPort"], source)
        for permission in found
        for source in (
            *(ip_range["CidrIp"] for ip_range in permission["IpRanges"]),
            *("itself" for pair in permission["UserIdGroupPairs"] if pair["GroupId"] == group_id),
        )
    }


async def test_a_group_is_closed_but_for_itself_and_the_given_ranges(aws: Aws) -> None:
    group_id = await ensure(aws, await wanted(aws, "10.0.0.0/16"))
    assert await ingress(aws, group_id) == {
        (0, 65535, "itself"),
        (8786, 8786, "10.0.0.0/16"),
        (8787, 8787, "10.0.0.0/16"),
    }


async def test_members_of_a_given_group_are_let_in_and_no_longer_than_that_is_wanted(aws: Aws) -> None:
    closed = await wanted(aws, "10.0.0.0/16")
    theirs = await aws.call(
        operations.CREATE_SECURITY_GROUP, GroupName=f"{closed.name}-theirs", Description="theirs", VpcId=closed.vpc_id
    )
    other = rules(ports=(8786,), cidrs=("10.0.0.0/16",), groups=[theirs["GroupId"]])
    group_id = await ensure(aws, EnsureSecurityGroup(**{**vars(closed), "rules": other}))
    answer = await aws.call(operations.DESCRIBE_SECURITY_GROUPS, GroupIds=[group_id])
    pairs = [
        pair for permission in answer["SecurityGroups"][0]["IpPermissions"] for pair in permission["UserIdGroupPairs"]
    ]
    assert {pair["GroupId"] for pair in pairs} == {group_id, theirs["GroupId"]}
    assert await ensure(aws, closed) == group_id
    answer = await aws.call(operations.DESCRIBE_SECURITY_GROUPS, GroupIds=[group_id])
    pairs = [
        pair for permission in answer["SecurityGroups"][0]["IpPermissions"] for pair in permission["UserIdGroupPairs"]
    ]
    assert {pair["GroupId"] for pair in pairs} == {group_id}


async def test_changed_ranges_replace_the_old_ones_in_the_same_group(aws: Aws) -> None:
    first = await wanted(aws, "10.0.0.0/16")
    group_id = await ensure(aws, first)
    changed = EnsureSecurityGroup(**{**vars(first), "rules": rules(ports=(8786,), cidrs=("10.9.0.0/16",))})
    assert await ensure(aws, changed) == group_id
    assert await ingress(aws, group_id) == {(0, 65535, "itself"), (8786, 8786, "10.9.0.0/16")}


async def test_a_group_of_somebody_else_is_neither_used_nor_deleted(aws: Aws) -> None:
    group = await wanted(aws, "10.0.0.0/16")
    made = await aws.call(
        operations.CREATE_SECURITY_GROUP, GroupName=group.name, Description="theirs", VpcId=group.vpc_id
    )
    with pytest.raises(NotOursError, match=group.name):
        await ensure(aws, group)
    with pytest.raises(NotOursError, match=group.name):
        await security_groups.delete(aws, name=group.name, own_tags=OWN)
    answer = await aws.call(operations.DESCRIBE_SECURITY_GROUPS, GroupIds=[made["GroupId"]])
    assert len(answer["SecurityGroups"]) == 1


async def test_a_group_that_is_gone_is_gone(aws: Aws) -> None:
    group = await wanted(aws, "10.0.0.0/16")
    await ensure(aws, group)
    for _ in range(2):
        await security_groups.delete(aws, name=group.name, own_tags=OWN)
    filters = [{"Name": "group-name", "Values": [group.name]}]
    assert not (await aws.call(operations.DESCRIBE_SECURITY_GROUPS, Filters=filters))["SecurityGroups"]


async def test_a_group_that_is_revised_keeps_only_what_others_ask_for(aws: Aws) -> None:
    group = await wanted(aws, "10.0.0.0/16", "10.9.0.0/16")
    group_id = await ensure(aws, group)
    others = set(rules(ports=(8786,), cidrs=("10.0.0.0/16", "10.8.0.0/16")))
    await security_groups.revise(aws, name=group.name, rules=others, own_tags=OWN)
    assert await ingress(aws, group_id) == {(0, 65535, "itself"), (8786, 8786, "10.0.0.0/16")}


async def test_of_what_is_refused_to_others_stays_what_is_there(aws: Aws) -> None:
    theirs, ours = await wanted(aws, "10.0.0.0/16"), rules(ports=(8786,), cidrs=("10.8.0.0/16",))
    group_id = await ensure(aws, theirs)
    await security_groups.ensure(
        aws,
        name=theirs.name,
        vpc_id=theirs.vpc_id,
        rules=set(ours),
        kept=set(rules(ports=(8786,), cidrs=("10.0.0.0/16", "10.9.0.0/16"))),
        tags=OWN,
        own_tags=OWN,
    )
    assert await ingress(aws, group_id) == {
        (0, 65535, "itself"),
        (8786, 8786, "10.0.0.0/16"),
        (8786, 8786, "10.8.0.0/16"),
    }


async def test_rules_are_added_although_one_of_them_has_been_there_already(aws: Aws) -> None:
    group = await wanted(aws, "10.0.0.0/16")
    group_id = await ensure(aws, group)
    both = set(rules(ports=(8786,), cidrs=("10.0.0.0/16", "10.9.0.0/16")))
    await security_groups._change(aws, operations.AUTHORIZE_INGRESS, group_id, both)
    assert (8786, 8786, "10.9.0.0/16") in await ingress(aws, group_id)
