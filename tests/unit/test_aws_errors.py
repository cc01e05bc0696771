"""What AWS's errors mean to us."""

import botocore.exceptions
import pytest

from dask_ecs.aws import tasks
from dask_ecs.aws.errors import Kind, classify


def kind(code: str, message: str) -> Kind:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return classify("ecs:RunTask", botocore.exceptions.ClientError(response, "RunTask")).kind  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ExpiredTokenException", "The security token included in the request is expired"),
        (
            "InvalidParameterException",
            "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
        ),
        ("ClientException", "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/new'"),
        (
            "InvalidParameterException",
            "Error retrieving security group information: sg-1: The security group 'sg-1' does not exist",
        ),
        ("InvalidRequestException", "a secret with this name is already scheduled for deletion"),
    ],
)
def test_what_is_not_known_everywhere_yet_is_tried_again_soon(code: str, message: str) -> None:
    assert kind(code, message) is Kind.RETRY_SOON


def test_capacity_that_is_lacking_is_waited_for() -> None:
    assert kind("ClientException", "Capacity is unavailable at this time. Please try again later") is Kind.BACK_OFF


def test_what_nobody_else_will_mend_waits_for_the_user() -> None:
    assert kind("InvalidParameterException", "No Container Instances were found in your cluster.") is Kind.NEEDS_USER


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("RESOURCE:GPU", Kind.BACK_OFF),
        ("AGENT", Kind.BACK_OFF),
        ("EMPTY CAPACITY PROVIDER", Kind.BACK_OFF),
        ("ATTRIBUTE", Kind.NEEDS_USER),
    ],
)
def test_tasks_wait_for_instances_that_lack_something_and_not_for_what_never_fits(reason: str, expected: Kind) -> None:
    error = tasks._not_placed([{"reason": reason}])
    assert error
    assert error.kind is expected
