"""The security group that is made for a cluster."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

from dask_ecs.aws import operations
from dask_ecs.aws.errors import AwsError, Kind, NotOursError
from dask_ecs.aws.session import Aws
from dask_ecs.aws.tags import carries, from_upper, upper_tags
from dask_ecs.plan.security_group import Rule


async def ensure(
    aws: Aws, *, name: str, vpc_id: str, rules: Set[Rule], tags: Mapping[str, str], own_tags: Mapping[str, str]
) -> str:
    """Create the group, or find it, give it exactly the wanted rules for TCP, and return its id.

    Raises:
        NotOursError: there is one of that name that is somebody else's.

    """
    found = await _find(aws, name=name, vpc_id=vpc_id)
    if found is None:
        specification = {"ResourceType": "security-group", "Tags": upper_tags(tags)}
        made = await aws.call(
            operations.CREATE_SECURITY_GROUP,
            GroupName=name,
            Description="Dask cluster, made by dask-ecs-operator",
            VpcId=vpc_id,
            TagSpecifications=[specification],
        )
        found = {"GroupId": made["GroupId"], "IpPermissions": []}
    elif not carries(from_upper(found.get("Tags", ())), own_tags):
        raise NotOursError(
            operation=str(operations.CREATE_SECURITY_GROUP),
            code="NotOurs",
            message=f"Security group {name} was not made for these clusters; rename or delete it",
            kind=Kind.NEEDS_USER,
        )
    group_id: str = found["GroupId"]
    actual = set(_rules(found["IpPermissions"]))
    await _change(aws, operations.AUTHORIZE_INGRESS, group_id, rules - actual)
    await _change(aws, operations.REVOKE_INGRESS, group_id, actual - rules)
    return group_id


async def revise(aws: Aws, *, name: str, rules: Set[Rule], own_tags: Mapping[str, str]) -> None:
    """Take from the groups of this name that are ours all ingress but `rules`."""
    for group in await _ours(aws, name=name, own_tags=own_tags):
        await _change(aws, operations.REVOKE_INGRESS, group["GroupId"], set(_rules(group["IpPermissions"])) - rules)


async def delete(aws: Aws, *, name: str, own_tags: Mapping[str, str]) -> None:
    """Delete the groups of this name that are ours.

    Raises:
        AwsError: DependencyViolation while a network interface still uses it.

    """
    for group in await _ours(aws, name=name, own_tags=own_tags):
        try:
            await aws.call(operations.DELETE_SECURITY_GROUP, GroupId=group["GroupId"])
        except AwsError as error:
            if error.kind is not Kind.GONE:
                raise


async def _ours(aws: Aws, *, name: str, own_tags: Mapping[str, str]) -> list[dict[str, Any]]:
    filters = [{"Name": "group-name", "Values": [name]}]
    answer = await aws.call(operations.DESCRIBE_SECURITY_GROUPS, Filters=filters)
    return [group for group in answer["SecurityGroups"] if carries(from_upper(group.get("Tags", ())), own_tags)]


async def _find(aws: Aws, *, name: str, vpc_id: str) -> dict[str, Any] | None:
    filters = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [vpc_id]}]
    answer = await aws.call(operations.DESCRIBE_SECURITY_GROUPS, Filters=filters)
    return next(iter(answer["SecurityGroups"]), None)


async def _change(aws: Aws, operation: operations.Operation, group_id: str, rules: Set[Rule]) -> None:
    """Add or take rules; where one of them is there, or gone, already, AWS refuses all, so each is sent by itself."""
    if not rules:
        return
    try:
        await aws.call(
            operation, GroupId=group_id, IpPermissions=[_permission(rule, group_id) for rule in sorted(rules)]
        )
    except AwsError as error:
        if error.kind is not Kind.CONFLICT:
            raise
        if len(rules) > 1:
            for rule in rules:
                await _change(aws, operation, group_id, {rule})


def _permission(rule: Rule, group_id: str) -> dict[str, Any]:
    permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": rule.from_port, "ToPort": rule.to_port}
    if not rule.cidr:
        permission["UserIdGroupPairs"] = [{"GroupId": group_id}]
    elif ":" in rule.cidr:
        permission["Ipv6Ranges"] = [{"CidrIpv6": rule.cidr}]
    else:
        permission["IpRanges"] = [{"CidrIp": rule.cidr}]
    return permission


def _rules(permissions: Iterable[Mapping[str, Any]]) -> Iterable[Rule]:
    for permission in permissions:
        if permission.get("IpProtocol") != "tcp":
            continue
        ports = {"from_port": permission["FromPort"], "to_port": permission["ToPort"]}
        for _ in permission.get("UserIdGroupPairs", ()):
            yield Rule(**ports)
        for ip_range in permission.get("IpRanges", ()):
            yield Rule(**ports, cidr=ip_range["CidrIp"])
        for ip_range in permission.get("Ipv6Ranges", ()):
            yield Rule(**ports, cidr=ip_range["CidrIpv6"])
