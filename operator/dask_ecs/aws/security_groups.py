"""The security group that is made for a cluster."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

from dask_ecs.aws import operations, ownership
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.aws.tags import upper_tags
from dask_ecs.plan.security_group import Rule


async def ensure(
    aws: Aws,
    *,
    name: str,
    vpc_id: str,
    rules: Set[Rule],
    tags: Mapping[str, str],
    own_tags: Mapping[str, str],
    kept: Set[Rule] = frozenset(),
    tell: Tell = nobody,
) -> str:
    """Create the group, or find it, let in what the wanted rules say and nobody else, and return its id.

    `kept` stays where it is there and is not added: what AWS refuses to one of its users, as too many rules, must not
    keep its neighbours from theirs.

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
        tell(f"Security group {name} was gone; it is made again.")
        tell = nobody
        found = {"GroupId": made["GroupId"], "IpPermissions": []}
    else:
        ownership.check(found, own_tags, what=f"Security group {name}", operation=operations.CREATE_SECURITY_GROUP)
    group_id: str = found["GroupId"]
    actual = set(_rules(found["IpPermissions"], group_id))
    await _change(aws, operations.AUTHORIZE_INGRESS, group_id, rules - actual)
    too_much = actual - rules - kept
    await _change(aws, operations.REVOKE_INGRESS, group_id, too_much)
    if foreign := _foreign(found["IpPermissions"]):
        await aws.call(operations.REVOKE_INGRESS, GroupId=group_id, IpPermissions=foreign)
    if lacking := rules - actual:
        tell(f"Security group {name} did not let in {_said(lacking)}; it does again.")
    if foreign or too_much:
        said = ", ".join(filter(None, (_said(too_much), *(_said_of(one) for one in foreign))))
        tell(f"Security group {name} let in {said}; it does not any more.")
    return group_id


async def revise(aws: Aws, *, name: str, rules: Set[Rule], own_tags: Mapping[str, str]) -> None:
    """Take from the groups of this name that are ours all ingress but `rules`."""
    for group in await _named(aws, name):
        if ownership.is_ours(group, own_tags):
            too_much = set(_rules(group["IpPermissions"], group["GroupId"])) - rules
            await _change(aws, operations.REVOKE_INGRESS, group["GroupId"], too_much)


async def delete(aws: Aws, *, name: str, own_tags: Mapping[str, str]) -> None:
    """Delete the groups of this name that are ours.

    Raises:
        NotOursError: it does not carry our tags.
        AwsError: DependencyViolation while a network interface still uses it.

    """
    found = await _named(aws, name)
    ours = [group for group in found if ownership.is_ours(group, own_tags)]
    if found and not ours:
        ownership.check(found[0], own_tags, what=f"Security group {name}", operation=operations.DELETE_SECURITY_GROUP)
    for group in ours:
        try:
            await aws.call(operations.DELETE_SECURITY_GROUP, GroupId=group["GroupId"])
        except AwsError as error:
            if error.kind is not Kind.GONE:
                raise


async def _named(aws: Aws, name: str) -> list[dict[str, Any]]:
    filters = [{"Name": "group-name", "Values": [name]}]
    return list((await aws.call(operations.DESCRIBE_SECURITY_GROUPS, Filters=filters))["SecurityGroups"])


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
        permission["UserIdGroupPairs"] = [{"GroupId": rule.group or group_id}]
    elif ":" in rule.cidr:
        permission["Ipv6Ranges"] = [{"CidrIpv6": rule.cidr}]
    else:
        permission["IpRanges"] = [{"CidrIp": rule.cidr}]
    return permission


def _rules(permissions: Iterable[Mapping[str, Any]], group_id: str) -> Iterable[Rule]:
    """Return what we could have asked for: TCP from the group itself, from others or from ranges of addresses."""
    for permission in permissions:
        if permission.get("IpProtocol") != "tcp":
            continue
        ports = {"from_port": permission["FromPort"], "to_port": permission["ToPort"]}
        for pair in permission.get("UserIdGroupPairs", ()):
            yield Rule(**ports, group="" if pair["GroupId"] == group_id else pair["GroupId"])
        for ip_range in permission.get("IpRanges", ()):
            yield Rule(**ports, cidr=ip_range["CidrIp"])
        for ip_range in permission.get("Ipv6Ranges", ()):
            yield Rule(**ports, cidr=ip_range["CidrIpv6"])


# Whom a permission lets in, as EC2's IpPermission names them.
_SOURCES = {
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "PrefixListIds": "PrefixListId",
    "UserIdGroupPairs": "GroupId",
}


def _foreign(permissions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what we never ask for, as it has to be revoked: other protocols, prefix lists."""
    found: list[dict[str, Any]] = []
    for permission in permissions:
        ours = ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs") if permission.get("IpProtocol") == "tcp" else ()
        sources: dict[str, list[dict[str, str]]] = {}
        for kind, key in _SOURCES.items():
            named = [{key: source[key]} for source in permission.get(kind, ()) if key in source]
            if named and kind not in ours:
                sources[kind] = named
        ports = {key: permission[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in permission}
        if sources:
            found.append({**ports, **sources})
    return found


def _said(rules: Iterable[Rule]) -> str:
    return ", ".join(
        f"{rule.cidr or rule.group or 'its members'} to TCP {_ports(rule.from_port, rule.to_port)}"
        for rule in sorted(rules)
    )


def _said_of(permission: Mapping[str, Any]) -> str:
    whom = ", ".join(source[key] for kind, key in _SOURCES.items() for source in permission.get(kind, ()))
    # AWS: "IpPermission": -1 is every protocol.
    protocol = {"-1": "everything"}.get(permission["IpProtocol"], permission["IpProtocol"].upper())
    ports = f" {_ports(permission['FromPort'], permission['ToPort'])}" if "FromPort" in permission else ""
    return f"{whom} to {protocol}{ports}"


def _ports(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
