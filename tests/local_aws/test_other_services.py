"""What tasks need around them: VPC, security groups, IAM, STS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from .account import unique

if TYPE_CHECKING:
    from .account import Account


def test_the_default_vpc_is_on_loopback_with_public_subnets_in_three_zones(account: Account) -> None:
    vpcs = account.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    assert [(vpc["CidrBlock"], vpc["IsDefault"]) for vpc in vpcs] == [("127.77.0.0/16", True)]
    subnets = account.ec2.describe_subnets(SubnetIds=account.public_subnets)["Subnets"]
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 3
    assert {subnet["VpcId"] for subnet in subnets} == {vpcs[0]["VpcId"]}


def test_the_main_route_table_of_the_default_vpc_leads_to_an_internet_gateway(account: Account) -> None:
    tables = account.ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [account.vpc]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    assert len(tables) == 1
    routes = {route["DestinationCidrBlock"]: route["GatewayId"] for route in tables[0]["Routes"]}
    assert routes["127.77.0.0/16"] == "local"
    assert routes["0.0.0.0/0"].startswith("igw-")


def test_a_subnets_own_route_table_is_found_by_its_association(account: Account) -> None:
    subnet = account.ec2.create_subnet(VpcId=account.vpc, CidrBlock="127.77.240.0/24")["Subnet"]["SubnetId"]
    table = account.ec2.create_route_table(VpcId=account.vpc)["RouteTable"]["RouteTableId"]
    account.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    found = account.ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])
    assert [each["RouteTableId"] for each in found["RouteTables"]] == [table]
    none = account.ec2.describe_route_tables(
        Filters=[{"Name": "association.subnet-id", "Values": account.public_subnets}]
    )
    assert none["RouteTables"] == []


def test_every_region_has_its_default_vpc_on_loopback(account: Account) -> None:
    import boto3

    ec2 = boto3.client(
        "ec2",
        endpoint_url=account.aws.url,
        region_name="us-west-2",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    assert [vpc["CidrBlock"] for vpc in vpcs] == ["127.77.0.0/16"]


def test_a_security_group_in_use_can_not_be_deleted(account: Account) -> None:
    group = account.ec2.create_security_group(GroupName=unique("group"), Description="test", VpcId=account.vpc)
    cluster = account.cluster()
    network = account.network(securityGroups=[group["GroupId"]])
    arn = account.run(cluster, account.definition(), networkConfiguration=network)
    account.until(cluster, arn, "RUNNING")
    with pytest.raises(ClientError) as raised:
        account.ec2.delete_security_group(GroupId=group["GroupId"])
    assert raised.value.response["Error"]["Code"] == "DependencyViolation"
    assert raised.value.response["Error"]["Message"] == f"resource {group['GroupId']} has a dependent object"
    account.ecs.stop_task(cluster=cluster, task=arn)
    account.until(cluster, arn, "STOPPED")
    account.ec2.delete_security_group(GroupId=group["GroupId"])


def test_a_security_group_that_another_names_can_not_be_deleted(account: Account) -> None:
    named, naming = (
        account.ec2.create_security_group(GroupName=unique("group"), Description="test", VpcId=account.vpc)["GroupId"]
        for _ in range(2)
    )
    pair = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": named}]}
    account.ec2.authorize_security_group_ingress(GroupId=naming, IpPermissions=[pair])  # type: ignore[list-item]
    with pytest.raises(ClientError, match="DependencyViolation"):
        account.ec2.delete_security_group(GroupId=named)
    account.ec2.delete_security_group(GroupId=naming)
    account.ec2.delete_security_group(GroupId=named)


def test_a_security_group_that_only_names_itself_can_be_deleted(account: Account) -> None:
    group = account.ec2.create_security_group(GroupName=unique("group"), Description="test", VpcId=account.vpc)
    pair = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group["GroupId"]}]}
    account.ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[pair])  # type: ignore[list-item]
    account.ec2.delete_security_group(GroupId=group["GroupId"])


def test_a_role_with_policies_can_not_be_deleted(account: Account) -> None:
    name = account.role().rpartition("/")[2]
    managed = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    account.iam.attach_role_policy(RoleName=name, PolicyArn=managed)
    account.iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
    with pytest.raises(account.iam.exceptions.DeleteConflictException):
        account.iam.delete_role(RoleName=name)
    account.iam.detach_role_policy(RoleName=name, PolicyArn=managed)
    with pytest.raises(account.iam.exceptions.DeleteConflictException):
        account.iam.delete_role(RoleName=name)
    account.iam.delete_role_policy(RoleName=name, PolicyName="inline")
    account.iam.delete_role(RoleName=name)


def test_the_caller_has_an_identity(account: Account) -> None:
    identity = account.client("sts").get_caller_identity()
    assert identity["Account"] == "123456789012"
    assert identity["Arn"].startswith("arn:aws:")


@pytest.mark.parametrize(
    ("service", "call"), [("ecs", "list_clusters"), ("ec2", "describe_vpcs"), ("iam", "list_roles")]
)
def test_every_answer_has_a_request_id(account: Account, service: str, call: str) -> None:
    metadata = getattr(account.client(service), call)()["ResponseMetadata"]
    assert metadata["HTTPHeaders"]["x-amzn-requestid"]
    assert metadata["RequestId"]
