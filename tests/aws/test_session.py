import datetime
import json
import uuid

import botocore.session
import pytest

from dask_ecs.aws import operations
from dask_ecs.aws.errors import AwsError, Kind, UnknownOutcomeError
from dask_ecs.aws.session import Aws, Sessions
from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.plan import instance_roles


@pytest.mark.parametrize("operation", operations.ALL, ids=str)
def test_every_operation_of_the_seam_is_one_of_awss(operation: operations.Operation) -> None:
    model = botocore.session.get_session().get_service_model(operation.service)
    assert operation.name in model.operation_names


async def test_calls_are_counted(aws: Aws, sessions: Sessions) -> None:
    await aws.call(operations.DESCRIBE_VPCS)
    assert sessions.calls == {"ec2:DescribeVpcs": 1}


async def test_an_answer_that_was_lost_is_an_unknown_outcome(aws: Aws, local_aws: LocalAWS) -> None:
    local_aws.fault("ecs:CreateCluster", code="ServerException", count=10, after=True)
    with pytest.raises(UnknownOutcomeError):
        await aws.call(operations.CREATE_CLUSTER, clusterName="lost")


async def test_throttling_is_tried_again_before_anybody_hears_of_it(aws: Aws, local_aws: LocalAWS) -> None:
    local_aws.fault("ecs:DescribeClusters", code="ThrottlingException", message="Rate exceeded", count=1)
    await aws.call(operations.DESCRIBE_CLUSTERS, clusters=["any"])


async def test_throttling_that_lasts_is_to_be_tried_again_soon(aws: Aws, local_aws: LocalAWS) -> None:
    local_aws.fault("ecs:DescribeClusters", code="ThrottlingException", message="Rate exceeded", count=20)
    with pytest.raises(AwsError) as raised:
        await aws.call(operations.DESCRIBE_CLUSTERS, clusters=["any"])
    assert raised.value.kind is Kind.RETRY_SOON


async def test_a_denied_call_names_the_action_and_waits_for_the_user(aws: Aws, local_aws: LocalAWS) -> None:
    message = "User: arn:aws:iam::123456789012:user/op is not authorized to perform: ecs:CreateCluster"
    local_aws.fault("ecs:CreateCluster", code="AccessDeniedException", message=message, count=1)
    with pytest.raises(AwsError) as raised:
        await aws.call(operations.CREATE_CLUSTER, clusterName="denied")
    assert raised.value.kind is Kind.NEEDS_USER
    assert raised.value.reason == "AccessDenied"
    assert "ecs:CreateCluster" in raised.value.advice
    assert raised.value.request_id


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
async def test_either_variable_names_the_region(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv(name, "eu-central-1")
    async with Sessions() as sessions:
        assert sessions.default_region == "eu-central-1"


async def test_all_times_are_of_one_time_zone(aws: Aws) -> None:
    """Where each has its own, ten thousand tasks take megabytes."""
    name = f"times-{uuid.uuid4().hex[:8]}"
    trust = json.dumps(instance_roles.trust("ec2", region=aws.region))
    await aws.call(operations.CREATE_ROLE, RoleName=name, AssumeRolePolicyDocument=trust)
    role = (await aws.call(operations.GET_ROLE, RoleName=name))["Role"]
    definition = await aws.call(
        operations.REGISTER_TASK_DEFINITION,
        family=name,
        containerDefinitions=[{"name": "any", "image": "any", "memory": 512}],
    )
    for moment in (role["CreateDate"], definition["taskDefinition"]["registeredAt"]):
        assert moment.tzinfo is datetime.UTC
        assert abs(datetime.datetime.now(datetime.UTC) - moment) < datetime.timedelta(minutes=5)
