"""The control API: faults, counts, capacity, rates."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from dask_ecs.local.aws.handle import LocalAWSError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dask_ecs.local.aws.handle import LocalAWS

    from .account import Account


@pytest.fixture
def aws(account: Account) -> Iterator[LocalAWS]:
    """The handle, with nothing counted and no faults in force, before and after."""
    account.aws.clear_faults()
    account.aws.reset_calls()
    yield account.aws
    account.aws.clear_faults()
    account.aws.set_throttle(on=False)


def test_a_fault_strikes_as_often_as_asked(account: Account, aws: LocalAWS) -> None:
    cluster = account.cluster()
    aws.fault("ecs:ListTasks", code="ThrottlingException", message="Rate exceeded", count=2)
    for _ in range(2):
        with pytest.raises(ClientError, match="Rate exceeded") as raised:
            account.ecs.list_tasks(cluster=cluster)
        assert raised.value.response["Error"]["Code"] == "ThrottlingException"
    account.ecs.list_tasks(cluster=cluster)


@pytest.mark.parametrize(
    ("service", "call"), [("ec2", "describe_vpcs"), ("iam", "list_roles"), ("logs", "describe_log_groups")]
)
def test_faults_speak_every_services_protocol(account: Account, aws: LocalAWS, service: str, call: str) -> None:
    aws.fault(f"{service}:*", code="AccessDenied", message="You <may> not", count=1)
    with pytest.raises(ClientError) as raised:
        getattr(account.client(service), call)()
    assert raised.value.response["Error"]["Code"] == "AccessDenied"
    assert raised.value.response["Error"]["Message"] == "You <may> not"


def test_an_answer_can_be_lost_after_the_call_was_carried_out(account: Account, aws: LocalAWS) -> None:
    cluster = account.cluster()
    request = account.request(cluster, account.definition("exit 0"), clientToken="lost")
    aws.fault("ecs:RunTask", count=1, after=True)
    with pytest.raises(ConnectionClosedError):
        account.ecs.run_task(**request)
    arns = account.ecs.list_tasks(cluster=cluster)["taskArns"]
    assert len(arns) == 1
    assert [task["taskArn"] for task in account.ecs.run_task(**request)["tasks"]] == arns


def test_a_call_can_be_slow(account: Account, aws: LocalAWS) -> None:
    aws.fault("ecs:ListClusters", latency=0.5, count=1)
    began = time.monotonic()
    account.ecs.list_clusters()
    assert time.monotonic() - began >= 0.5


def test_faults_with_a_probability_strike_sometimes(account: Account, aws: LocalAWS) -> None:
    aws.fault("ecs:ListClusters", code="ServerException", status=500, probability=0.5)
    failed = 0
    for _ in range(60):
        try:
            account.ecs.list_clusters()
        except ClientError:
            failed += 1
    assert 10 < failed < 50


def test_calls_are_counted_and_logged_with_their_parameters(account: Account, aws: LocalAWS) -> None:
    cluster = account.cluster()
    account.ec2.describe_vpcs()
    with pytest.raises(ClientError):
        account.ecs.describe_tasks(cluster="nowhere", tasks=["x"])
    counts = aws.calls()
    assert (counts["ecs:CreateCluster"], counts["ec2:DescribeVpcs"], counts["ecs:DescribeTasks"]) == (1, 1, 1)
    created = aws.call_log("ecs:CreateCluster")[0]
    assert created["parameters"] == {"clusterName": cluster}
    assert (created["caller"], created["region"], created["outcome"]) == ("test", "eu-west-1", "")
    assert "Boto3" in created["user_agent"]
    assert aws.call_log()[-1]["outcome"] == "ClusterNotFoundException"
    with pytest.raises(ClientError):
        account.ec2.describe_security_groups(GroupIds=["sg-0123456789abcdef0"])
    assert aws.call_log()[-1]["outcome"] == "InvalidGroup.NotFound"
    with pytest.raises(ClientError):
        account.iam.get_role(RoleName="nobody")
    assert aws.call_log()[-1]["outcome"] == "NoSuchEntity"
    with pytest.raises(ClientError):
        account.logs.delete_log_group(logGroupName="nowhere")
    assert aws.call_log()[-1]["outcome"] == "ResourceNotFoundException"
    aws.reset_calls()
    assert (aws.calls(), aws.call_log()) == ({}, [])


def test_the_log_can_be_read_from_a_moment_on(account: Account, aws: LocalAWS) -> None:
    account.ecs.list_clusters()
    account.iam.list_roles()
    (first, second) = aws.call_log()
    assert first["at"] <= second["at"] <= time.time()
    assert aws.call_log(since=second["at"]) == [second]
    assert aws.call_log("ecs:ListClusters", since=first["at"]) == [first]
    assert aws.call_log(since=time.time()) == []


def test_rates_are_those_that_ecs_documents(account: Account, aws: LocalAWS) -> None:
    aws.set_throttle(on=True)
    created, refused, began = 0, "", time.monotonic()
    while not refused and created < 100:
        try:
            account.cluster()
            created += 1
        except ClientError as error:
            refused = str(error.response["Error"])
    assert refused == str({"Message": "Rate exceeded", "Code": "ThrottlingException"})
    # 20 at once, then one a second.
    assert 20 <= created <= 21 + time.monotonic() - began


def test_each_operation_of_ec2_has_a_rate_of_its_own(account: Account, aws: LocalAWS) -> None:
    aws.set_throttle(on=True)
    asked, refused = 0, ""
    while not refused and asked < 400:
        asked += 1
        try:
            account.ec2.delete_security_group(GroupId="sg-0123456789abcdef0")
        except ClientError as error:
            code = error.response["Error"]["Code"]
            refused = "" if code == "InvalidGroup.NotFound" else code
    assert refused == "RequestLimitExceeded"
    assert asked > 50, "50 at once, then five a second"
    account.ec2.describe_security_groups()


@pytest.mark.parametrize("change", [{"no_such": 1.0}, {"pending": -1.0}])
def test_a_delay_that_can_not_be_is_refused(aws: LocalAWS, change: dict[str, float]) -> None:
    before = aws.delays()
    with pytest.raises(LocalAWSError):
        aws.delays(**change)
    assert aws.delays() == before


def test_a_fault_that_can_not_be_is_refused(aws: LocalAWS) -> None:
    with pytest.raises(LocalAWSError):
        aws.fault("ecs:RunTask", count=0)


def test_what_is_not_running_can_not_be_killed(account: Account, aws: LocalAWS) -> None:
    with pytest.raises(LocalAWSError, match="no such task"):
        aws.kill_container("arn:aws:ecs:eu-west-1:123456789012:task/none/none")
    cluster = account.cluster()
    arn = account.run(cluster, account.definition("exit 0"))
    account.until(cluster, arn, "STOPPED")
    with pytest.raises(LocalAWSError, match="no container of the task is running"):
        aws.kill_container(arn)


def test_operations_that_are_not_there_say_so(account: Account) -> None:
    with pytest.raises(ClientError, match="does not know the ECS operation ListServices") as raised:
        account.ecs.list_services()
    assert raised.value.response["Error"]["Code"] == "UnsupportedFeatureException"


@pytest.mark.parametrize("header", [{"Origin": "https://example.com"}, {"Host": "rebound.example.com"}])
def test_web_pages_are_kept_out(account: Account, header: dict[str, str]) -> None:
    for path in ("/_local/calls", "/"):
        request = urllib.request.Request(f"{account.aws.url}{path}", headers=header)
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request, timeout=10)
        assert raised.value.code == 403
        raised.value.close()
