"""VPCs as tasks see them: the default one, the ways out of a subnet, and each task's network interface."""

from __future__ import annotations

import ipaddress
import itertools
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends

from .addresses import AddressPool, NoAddressError
from .ecs.errors import InvalidParameterException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .delays import Delays
    from .ecs.task import NetworkAttachment
    from .moto_server import Moto


class NetworkError(Exception):
    """A task's network interface can not be made; the text is what ECS gives as the task's stoppedReason."""


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet that a task may go to."""

    id: str
    availability_zone: str


@dataclass(frozen=True, slots=True)
class TaskNetwork:
    """A checked `awsvpcConfiguration`."""

    subnets: tuple[Subnet, ...]
    security_groups: tuple[str, ...]
    public_address: bool
    _turn: Iterator[Subnet] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        first = random.randrange(len(self.subnets))
        object.__setattr__(self, "_turn", itertools.cycle((*self.subnets[first:], *self.subnets[:first])))

    def choose(self) -> Subnet:
        """Return one subnet after the other, from any on, so that the tasks of many calls spread over the zones too."""
        return next(self._turn)


class Vpcs:
    """The networks of every account and region, kept by moto."""

    def __init__(self, moto: Moto, delays: Delays, *, default_vpc: str) -> None:
        self._moto = moto
        self._delays = delays
        self._default_vpc = default_vpc
        self._prepared: set[tuple[str, str]] = set()
        self._pools: dict[str, AddressPool] = {}

    async def prepare(self, account: str, region: str) -> None:
        """Give the region its default VPC on loopback, once, before anything is asked of it."""
        if (account, region) not in self._prepared:
            self._prepared.add((account, region))
            await self._moto.run(lambda: _make_default_vpc(ec2_backends[account][region], self._default_vpc))

    async def check(self, account: str, region: str, configuration: dict[str, Any]) -> TaskNetwork:
        """Check RunTask's networkConfiguration; raise InvalidParameterException."""
        network = configuration["awsvpcConfiguration"]
        return await self._moto.run(lambda: _check(ec2_backends[account][region], network))

    async def attach(self, account: str, region: str, attachment: NetworkAttachment) -> None:
        """Make the interface and give the attachment its address; raise NetworkError."""
        await self._moto.run(lambda: self._attach(ec2_backends[account][region], account, region, attachment))

    async def detach(self, account: str, region: str, attachment: NetworkAttachment) -> None:
        """Delete the interface; the address rests."""
        await self._moto.run(lambda: self._detach(ec2_backends[account][region], attachment))

    async def reaches_the_internet(self, account: str, region: str, attachment: NetworkAttachment) -> bool:
        """Whether what is behind this interface can reach a registry: by NAT, or by its own public address."""
        return await self._moto.run(lambda: _reaches_the_internet(ec2_backends[account][region], attachment))

    def _attach(self, ec2: Any, account: str, region: str, attachment: NetworkAttachment) -> None:
        try:
            subnet = ec2.get_subnet(attachment.subnet_id)
            pool = self._pools.setdefault(subnet.id, AddressPool(subnet.cidr_block))
            address = pool.take(rest=self._delays.address_rest)
            while address in subnet._subnet_ips:  # an EC2 instance has it
                address = pool.take(rest=self._delays.address_rest)
            interface = ec2.create_network_interface(
                subnet,
                address,
                group_ids=attachment.security_groups or None,
                description=f"arn:aws:ecs:{region}:{account}:attachment/{attachment.id}",
                public_ip_auto_assign=attachment.public_address,
            )
        except NoAddressError:
            raise NetworkError(
                f"Unexpected EC2 error while attempting to Create Network Interface in subnet '{attachment.subnet_id}':"
                " InsufficientFreeAddressesInSubnet"
            ) from None
        except EC2ClientError as error:
            raise NetworkError(
                "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment"
                f" {'enabled' if attachment.public_address else 'disabled'} in subnet '{attachment.subnet_id}':"
                f" {error.code}"
            ) from None
        subnet.request_ip(address, interface)
        interface.status = "in-use"
        # Moto keeps every object it ever made; these come and go by the thousand.
        type(interface).instances_tracked.clear()
        attachment.interface_id, attachment.mac_address = interface.id, interface.mac_address
        attachment.address, attachment.status = address, "ATTACHED"

    def _detach(self, ec2: Any, attachment: NetworkAttachment) -> None:
        if interface := ec2.enis.pop(attachment.interface_id, None):
            interface.subnet.del_subnet_ip(attachment.address)
            self._pools[interface.subnet.id].free(attachment.address)


def dependents_of_security_group(ec2: Any, group_id: str) -> bool:
    """Whether a network interface uses the group or another group's rule names it."""
    interfaces = [interface for interface in list(ec2.enis.values()) if not _is_gone(interface)]
    if any(group_id in {group.id for group in interface.group_set} for interface in interfaces):
        return True
    return any(
        (rule.source_group or {}).get("GroupId") == group_id
        for groups in ec2.groups.values()
        for group in groups.values()
        if group.id != group_id
        for rule in [*group.ingress_rules, *group.egress_rules]
    )


def _is_gone(interface: Any) -> bool:
    """Whether it was the interface of an instance that is terminated: moto keeps it, AWS does not."""
    instance = interface.instance
    return instance is not None and instance._state.name == "terminated"


def _make_default_vpc(ec2: Any, cidr: str) -> None:
    """Make it, with a public subnet in each of three zones; the last quarter is left for subnets that users make."""
    before = ec2.get_default_vpc()
    for subnets in ec2.subnets.values():
        subnets.clear()
    for kept in (ec2.route_tables, ec2.network_acls):
        for identifier in [key for key, value in kept.items() if value.vpc_id == before.id]:
            del kept[identifier]
    ec2.groups.pop(before.id, None)
    del ec2.vpcs[before.id]

    vpc = ec2.create_vpc(cidr, is_default=True)
    ec2.default_vpc = vpc
    gateway = ec2.create_internet_gateway()
    ec2.attach_internet_gateway(gateway.id, vpc.id)
    main = next(table for table in ec2.route_tables.values() if table.vpc_id == vpc.id)
    ec2.create_route(main.id, "0.0.0.0/0", None, gateway_id=gateway.id)
    public = list(map(str, ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=2)))[:3]
    for zone, subnet_cidr in zip(ec2.describe_availability_zones(), public, strict=False):
        subnet = ec2.create_subnet(vpc.id, subnet_cidr, availability_zone=zone.name)
        subnet.map_public_ip_on_launch = True
        subnet.default_for_az = True


def _check(ec2: Any, configuration: dict[str, Any]) -> TaskNetwork:
    subnet_ids = configuration.get("subnets") or []
    group_ids = configuration.get("securityGroups") or []
    if not 1 <= len(subnet_ids) <= 16:
        raise InvalidParameterException("subnets must have between 1 and 16 elements.")
    if len(group_ids) > 5:
        raise InvalidParameterException("securityGroups can have at most 5 items.")
    subnets = []
    for subnet_id in subnet_ids:
        try:
            subnets.append(ec2.get_subnet(subnet_id))
        except EC2ClientError:
            raise InvalidParameterException(
                f"Error retrieving subnet information for [{subnet_id}]: The subnet ID '{subnet_id}' does not exist"
                " (ErrorCode: InvalidSubnetID.NotFound)"
            ) from None
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise InvalidParameterException("Subnets must be in the same VPC.")
    for group_id in group_ids:
        group = ec2.get_security_group_from_id(group_id)
        if group is None:
            raise InvalidParameterException(
                f"Error retrieving security group information for [{group_id}]: The security group '{group_id}' does"
                " not exist (ErrorCode: InvalidGroup.NotFound)"
            )
        if group.vpc_id != subnets[0].vpc_id:
            raise InvalidParameterException(
                f"Security group {group_id} does not appear to belong to the same VPC as the input subnets."
            )
    return TaskNetwork(
        tuple(Subnet(subnet.id, subnet.availability_zone) for subnet in subnets),
        tuple(group_ids),
        configuration.get("assignPublicIp") == "ENABLED",
    )


def _reaches_the_internet(ec2: Any, attachment: NetworkAttachment) -> bool:
    subnet = ec2.get_subnet(attachment.subnet_id)
    tables = [table for table in ec2.route_tables.values() if table.vpc_id == subnet.vpc_id]
    own = next((table for table in tables if subnet.id in table._associations.values()), None)
    table = own or next(table for table in tables if table.main_association_id)
    route = next((route for route in table.routes if route.destination_cidr_block == "0.0.0.0/0"), None)
    if route is None:
        return False
    if route.nat_gateway is not None:
        return True
    return str(route.gateway_id or "").startswith("igw-") and attachment.public_address
