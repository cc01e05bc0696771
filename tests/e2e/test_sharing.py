"""What clusters of a namespace share: made once, found again, gone with the last of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from dask_ecs.local.stack import Stack

from .aws_account import AwsAccount
from .tenant import Tenant, manifest
from .waiting import until

_MAKING = ("Create", "Register", "Put", "Authorize", "Attach")


@pytest.fixture(scope="module")
def quiet_stack(simulated_stack: Stack) -> Stack:
    return simulated_stack


def _things(account: AwsAccount, namespace: str) -> list[str]:
    """Return what is made besides tasks."""
    return [arn for arn in account.leftovers("none", namespace=namespace) if ":task/" not in arn]


def _made(account: AwsAccount) -> dict[str, int]:
    return {name: count for name, count in account.aws.calls().items() if name.split(":")[1].startswith(_MAKING)}


def test_a_second_cluster_of_a_namespace_uses_what_the_first_has_made(
    lone_tenant: Tenant, quiet_account: AwsAccount
) -> None:
    first = lone_tenant.apply(manifest("first"))
    lone_tenant.wait_until_ready(first)
    things = _things(quiet_account, lone_tenant.namespace)
    quiet_account.aws.reset_calls()
    second = lone_tenant.apply(manifest("second"))
    lone_tenant.wait_until_ready(second)
    assert _made(quiet_account) == {}
    assert {name for name in quiet_account.aws.calls() if not name.endswith("Tasks")} == {"ecs:RunTask"}
    assert _things(quiet_account, lone_tenant.namespace) == things

    lone_tenant.delete(first)
    lone_tenant.wait_until_gone(first)
    assert _things(quiet_account, lone_tenant.namespace) == things
    lone_tenant.scale(second, 2)
    lone_tenant.wait_until_ready(second, workers=2)
    lone_tenant.delete(second)
    lone_tenant.wait_until_gone(second)
    assert quiet_account.leftovers("none", namespace=lone_tenant.namespace) == []


def test_many_clusters_at_once_make_one_of_each_and_leave_nothing_when_they_go_at_once(
    lone_tenant: Tenant, quiet_account: AwsAccount
) -> None:
    names = [f"many-{number}" for number in range(8)]
    quiet_account.aws.reset_calls()
    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(lambda name: lone_tenant.apply(manifest(name, replicas=0)), names))
    for name in names:
        lone_tenant.wait_until_ready(name)
    made = _made(quiet_account)
    assert made["ecs:CreateCluster"] == made["ec2:CreateSecurityGroup"] == made["secretsmanager:CreateSecret"] == 1
    assert made["iam:CreateRole"] == made["ecs:RegisterTaskDefinition"] == 2
    lone_tenant.kubectl("delete", "dkc", "--all")
    assert quiet_account.leftovers("none", namespace=lone_tenant.namespace) == []


@pytest.mark.parametrize("operator_options", [["--resync", "0s"]], ids=[""])  # a resync may fall due right then
def test_after_a_restart_nothing_is_made_again_and_little_is_asked(
    lone_tenant: Tenant, quiet_account: AwsAccount, operator_options: list[str]
) -> None:
    names = [lone_tenant.apply(manifest(f"kept-{number}", replicas=0)) for number in range(3)]
    for name in names:
        lone_tenant.wait_until_ready(name)
    lone_tenant.scale(names[0], 1)
    lone_tenant.wait_until_ready(names[0], workers=1)
    before = {name: lone_tenant.wait_for(name, lambda status: status.get("versions")) for name in names}
    lone_tenant.operator.sigkill()
    quiet_account.aws.reset_calls()
    lone_tenant.operator.restart()
    lone_tenant.scale(names[0], 2)
    lone_tenant.wait_until_ready(names[0], workers=2)
    assert _made(quiet_account) == {}
    calls = {name: count for name, count in quiet_account.aws.calls().items() if not name.endswith("Tasks")}
    assert calls == {
        "ecs:DescribeClusters": 1,
        "ec2:DescribeSecurityGroups": 1,
        "secretsmanager:GetSecretValue": 1,
        "sts:GetCallerIdentity": 1,
        "ecs:RunTask": 1,
    }
    assert {name: (lone_tenant.get(name) or {})["status"] for name in names[1:]} == {
        name: before[name] for name in names[1:]
    }


def test_ranges_that_only_one_cluster_admits_go_with_it(lone_tenant: Tenant, quiet_account: AwsAccount) -> None:
    def admitted(group: str) -> set[str]:
        (found,) = quiet_account.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        return {entry["CidrIp"] for rule in found["IpPermissions"] for entry in rule["IpRanges"]}

    open_to_vpc = lone_tenant.apply(manifest("vpc", replicas=0))
    group = lone_tenant.wait_until_ready(open_to_vpc)["securityGroupId"]
    vpc = admitted(group)
    other = lone_tenant.apply(manifest("other", replicas=0, network={"allowedCidrs": ["10.9.0.0/16"]}))
    assert lone_tenant.wait_until_ready(other)["securityGroupId"] == group
    assert admitted(group) == vpc | {"10.9.0.0/16"}
    for ranges in (["10.7.0.0/16"], ["10.9.0.0/16"]):  # there and back
        lone_tenant.patch(other, {"network": {"allowedCidrs": ranges}})
        wanted = vpc | set(ranges)
        until(lambda wanted=wanted: admitted(group) == wanted, shown=lambda: lone_tenant.shown(other))  # type: ignore[misc]
    lone_tenant.operator.sigkill()
    lone_tenant.operator.restart()
    third = lone_tenant.apply(manifest("third", replicas=0, network={"allowedCidrs": ["10.8.0.0/16"]}))
    lone_tenant.wait_until_ready(third)
    assert admitted(group) == vpc | {"10.9.0.0/16", "10.8.0.0/16"}
    for name in (other, third):
        lone_tenant.delete(name)
        lone_tenant.wait_until_gone(name)
    assert admitted(group) == vpc
