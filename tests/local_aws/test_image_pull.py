"""A task pulls its image over its own network interface, or fails as AWS says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .account import unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .account import Account


@pytest.fixture(scope="module")
def private_subnet(account: Account) -> str:
    """A subnet of the default VPC whose route table leads nowhere."""
    ec2 = account.ec2
    subnet = ec2.create_subnet(VpcId=account.vpc, CidrBlock="127.77.192.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=account.vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    return subnet


@pytest.fixture(scope="module")
def nat_subnet(account: Account) -> str:
    """A private subnet of the default VPC with a way out by NAT."""
    ec2 = account.ec2
    subnet = ec2.create_subnet(VpcId=account.vpc, CidrBlock="127.77.193.0/24")["Subnet"]["SubnetId"]
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=account.public_subnets[0], AllocationId=allocation)
    table = ec2.create_route_table(VpcId=account.vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(
        RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGateway"]["NatGatewayId"]
    )
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    return subnet


@pytest.fixture
def extra_image(account: Account) -> Iterator[str]:
    """An image that only this test knows."""
    image = f"registry.example.com/{unique('image')}:1"
    account.aws.images(add=[{"image": image, "entrypoint": ["/bin/sh", "-c"], "command": ["exit 4"]}])
    yield image
    account.aws.images(remove=[image])


def failed(account: Account, definition: str, **network: Any) -> dict[str, Any]:
    cluster = account.cluster()
    arn = account.run(cluster, definition, networkConfiguration=account.network(**network))
    task = account.until(cluster, arn, "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert "startedAt" not in task
    assert "exitCode" not in task["containers"][0]
    return task


def test_a_public_subnet_without_a_public_address_has_no_way_to_the_registry(account: Account) -> None:
    task = failed(account, account.definition(), assignPublicIp="DISABLED")
    assert task["stoppedReason"] == task["containers"][0]["reason"]
    assert task["stoppedReason"].startswith(
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref"
        " docker.io/library/busybox:latest: failed to do request: Head"
    )
    assert task["stoppedReason"].endswith("i/o timeout")


def test_a_private_subnet_without_nat_has_no_way_to_the_registry(account: Account, private_subnet: str) -> None:
    task = failed(account, account.definition(), subnets=[private_subnet], assignPublicIp="ENABLED")
    assert "i/o timeout" in task["stoppedReason"]


def test_a_private_subnet_with_nat_needs_no_public_address(account: Account, nat_subnet: str) -> None:
    cluster = account.cluster()
    network = account.network(subnets=[nat_subnet], assignPublicIp="DISABLED")
    arn = account.run(cluster, account.definition(), networkConfiguration=network)
    account.until(cluster, arn, "RUNNING")


def test_ecr_without_a_way_to_it_is_a_resource_initialization_error(account: Account, assumable_role: str) -> None:
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/dask:latest"
    definition = account.definition(image=image, task={"executionRoleArn": assumable_role})
    task = failed(account, definition, assignPublicIp="DISABLED")
    assert task["stoppedReason"].startswith("ResourceInitializationError: unable to pull secrets or registry auth:")


def test_an_unknown_image_can_not_be_pulled(account: Account) -> None:
    task = failed(account, account.definition(image="ghcr.io/nobody/nothing:1"))
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")
    assert "ghcr.io/nobody/nothing:1: not found" in task["stoppedReason"]


def test_images_can_be_added_while_it_runs_with_entry_point_and_command(account: Account, extra_image: str) -> None:
    cluster = account.cluster()
    own, given = (
        account.until(cluster, account.run(cluster, definition), "STOPPED")
        for definition in (
            account.definition(None, image=extra_image),
            account.definition(None, image=extra_image, command=["exit 6"]),
        )
    )
    assert (own["containers"][0]["exitCode"], given["containers"][0]["exitCode"]) == (4, 6)


def test_a_tag_means_what_was_pushed_last_and_a_digest_always_the_same(account: Account) -> None:
    repository, cluster = f"registry.example.com/{unique('image')}", account.cluster()
    first, second = (f"sha256:{digit * 64}" for digit in "ab")

    def push(digest: str, code: int) -> None:
        row = {"image": f"{repository}:latest", "digest": digest, "entrypoint": ["/bin/sh", "-c", f"exit {code}"]}
        account.aws.images(add=[row])

    def ran(reference: str) -> tuple[str, str, int]:
        arn = account.run(cluster, account.definition(None, image=reference))
        (container,) = account.until(cluster, arn, "STOPPED")["containers"]
        return container["image"], container["imageDigest"], container["exitCode"]

    push(first, 4)
    assert ran(f"{repository}:latest") == (f"{repository}:latest", first, 4)
    push(second, 6)
    assert ran(f"{repository}:latest") == (f"{repository}:latest", second, 6)
    assert ran(f"{repository}@{first}") == (f"{repository}@{first}", first, 4)
    account.aws.images(remove=[f"{repository}:latest", f"{repository}@{first}"])
    task = failed(account, account.definition(image=f"{repository}@{first}"))
    assert task["stoppedReason"].endswith(f"{repository}@{first}: not found")
    assert "imageDigest" not in task["containers"][0]


def test_a_program_that_is_not_in_the_image_can_not_be_started(account: Account) -> None:
    task = failed(account, account.definition(None, command=["no-such-program"]))
    assert task["stoppedReason"].startswith("CannotStartContainerError: ")
    assert '"no-such-program": executable file not found in $PATH' in task["stoppedReason"]
