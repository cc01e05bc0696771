"""Where the tasks go: subnets that fit, subnets that do not, other regions."""

import dataclasses
import ipaddress
import itertools
from collections.abc import Iterator

import pytest

from .aws_account import AwsAccount
from .computation import compute_on
from .kstatus import kstatus
from .tenant import Tenant, manifest

# 127.77.192.0/18 of the local AWS's default VPC is free; each test takes a part of its own.
_FREE = map(str, ipaddress.IPv4Network("127.77.192.0/18").subnets(new_prefix=24))
_OTHER_VPCS = (f"10.{number}.0.0/16" for number in itertools.count(1))


@dataclasses.dataclass(frozen=True)
class DefaultVpc:
    """The account's default VPC, where a test can make subnets."""

    account: AwsAccount
    id: str

    @property
    def public_subnet(self) -> str:
        found = self.account.ec2.describe_subnets(
            Filters=[{"Name": "vpc-id", "Values": [self.id]}, {"Name": "default-for-az", "Values": ["true"]}]
        )
        return found["Subnets"][0]["SubnetId"]

    def make_private_subnet(self) -> tuple[str, str]:
        """Make a subnet without any way out; return it and its route table."""
        ec2 = self.account.ec2
        subnet = ec2.create_subnet(VpcId=self.id, CidrBlock=next(_FREE))["Subnet"]["SubnetId"]
        table = ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(SubnetId=subnet, RouteTableId=table)
        return subnet, table

    def open(self, route_table: str) -> None:
        """Let a route table lead to the VPC's internet gateway."""
        ec2 = self.account.ec2
        (gateway,) = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [self.id]}])[
            "InternetGateways"
        ]
        ec2.create_route(
            RouteTableId=route_table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway["InternetGatewayId"]
        )

    def open_by_nat(self, route_table: str) -> None:
        """Let a route table lead to a NAT gateway in a public subnet."""
        ec2 = self.account.ec2
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        made = ec2.create_nat_gateway(SubnetId=self.public_subnet, AllocationId=address)["NatGateway"]
        ec2.create_route(RouteTableId=route_table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=made["NatGatewayId"])


@pytest.fixture
def vpc(account: AwsAccount) -> DefaultVpc:
    (found,) = account.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    return DefaultVpc(account, found["VpcId"])


@pytest.fixture
def other_vpc(account: AwsAccount) -> Iterator[tuple[str, str]]:
    """A VPC that is not the default one, and a subnet of it."""
    cidr = next(_OTHER_VPCS)
    vpc_id = account.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    subnet = account.ec2.create_subnet(VpcId=vpc_id, CidrBlock=cidr)["Subnet"]["SubnetId"]
    yield vpc_id, subnet
    account.ec2.delete_subnet(SubnetId=subnet)
    account.ec2.delete_vpc(VpcId=vpc_id)


def test_a_private_subnet_without_nat_is_named_as_the_cause_until_it_has_a_way_out(
    tenant: Tenant, vpc: DefaultVpc
) -> None:
    subnet, route_table = vpc.make_private_subnet()
    name = tenant.apply(manifest(network={"subnets": [subnet]}))
    condition = tenant.wait_for_condition(name, "SchedulerReady", "False", reason="ImagePullFailed")
    assert "CannotPullContainerError" in condition["message"]
    assert "i/o timeout" in condition["message"]
    assert "NAT gateway" in condition["message"]
    network = tenant.status(name)["network"]
    assert (network["vpcId"], network["subnets"], network["assignPublicIp"]) == (vpc.id, [subnet], False)
    vpc.open(route_table)
    status = tenant.wait_until_ready(name)
    assert status["network"]["assignPublicIp"]


def test_tasks_behind_a_nat_gateway_have_no_public_address(tenant: Tenant, vpc: DefaultVpc) -> None:
    subnet, route_table = vpc.make_private_subnet()
    vpc.open_by_nat(route_table)
    name = tenant.apply(manifest(network={"subnets": [subnet], "assignPublicIp": False}))
    status = tenant.wait_until_ready(name)
    assert status["network"]["assignPublicIp"] is False
    asked = [call["parameters"] for call in vpc.account.aws.call_log("ecs:RunTask")]
    networks = [
        call["networkConfiguration"]["awsvpcConfiguration"] for call in asked if call["cluster"] == status["clusterArn"]
    ]
    assert {(*network["subnets"], network["assignPublicIp"]) for network in networks} == {(subnet, "DISABLED")}


def test_given_subnets_of_two_kinds_are_named_and_nothing_is_run(tenant: Tenant, vpc: DefaultVpc) -> None:
    private, _ = vpc.make_private_subnet()
    public = vpc.public_subnet
    name = tenant.apply(manifest(network={"subnets": [private, public]}))
    condition = tenant.wait_for_condition(name, "NetworkReady", "False", reason="MixedSubnets")
    assert f"public subnets ({public}) and private ones ({private})" in condition["message"]
    assert "Name subnets of one kind, or set spec.network.assignPublicIp." in condition["message"]
    assert kstatus(tenant.get(name)) == "Failed"
    tenant.patch(name, {"network": {"subnets": [public]}})
    status = tenant.wait_until_ready(name)
    assert status["network"]["subnets"] == [public]
    assert {task["attachments"][0]["details"][0]["value"] for task in vpc.account.tasks(status["clusterArn"])} == {
        public
    }


def test_a_subnet_of_another_vpc_is_named(tenant: Tenant, vpc: DefaultVpc, other_vpc: tuple[str, str]) -> None:
    other, subnet = other_vpc
    name = tenant.apply(manifest(network={"vpcId": vpc.id, "subnets": [subnet]}))
    condition = tenant.wait_for_condition(name, "NetworkReady", "False", reason="SubnetsOfOtherVpc")
    assert f"The subnets are of {other}; all must be of {vpc.id}." in condition["message"]
    assert "Mend spec.network.subnets or spec.network.vpcId" in condition["message"]
    assert tenant.condition(name, "Stalled")["status"] == "True"


def test_a_subnet_that_does_not_exist_is_named(tenant: Tenant) -> None:
    name = tenant.apply(manifest(network={"subnets": ["subnet-0123456789abcdef0"]}))
    condition = tenant.wait_for_condition(name, "NetworkReady", "False", reason="NetworkNotFound")
    assert "subnet-0123456789abcdef0" in condition["message"]
    assert "spec.network.subnets" in condition["message"]
    assert kstatus(tenant.get(name)) == "Failed"


def test_a_region_without_a_default_vpc_asks_for_one_to_be_named(tenant: Tenant, account: AwsAccount) -> None:
    region = "eu-central-1"
    ec2 = AwsAccount(account.aws, region=region).ec2
    (default,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [default["VpcId"]]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    gateways = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [default["VpcId"]]}])
    for gateway in gateways["InternetGateways"]:
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=default["VpcId"])
    ec2.delete_vpc(VpcId=default["VpcId"])
    name = tenant.apply(manifest(region=region))
    condition = tenant.wait_for_condition(name, "NetworkReady", "False", reason="NoDefaultVpc")
    assert condition["message"].startswith(
        "Region eu-central-1 has no default VPC: name one in spec.network.vpcId, or name subnets."
    )
    assert kstatus(tenant.get(name)) == "Failed"


def test_a_cluster_can_be_in_another_region_than_the_operator(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(manifest(region="eu-west-2"))
    status = tenant.wait_until_ready(name)
    assert status["region"] == "eu-west-2"
    for arn in (status["clusterArn"], status["schedulerTaskArn"], *status["taskDefinitions"].values()):
        assert arn.startswith("arn:aws:ecs:eu-west-2:")
    compute_on(tenant, name)
    assert not any("eu-west-2" in arn for arn in account.ecs.list_clusters()["clusterArns"])
    uid = (tenant.get(name) or {})["metadata"]["uid"]
    tenant.delete(name)
    tenant.wait_until_gone(name)
    assert AwsAccount(account.aws, region="eu-west-2").leftovers(uid, namespace=tenant.namespace) == []
