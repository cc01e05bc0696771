"""What AWS refuses is told to whoever runs a command as the refusal of their own credentials."""

import json

from dask_ecs.aws.errors import AwsError, ConfigurationError, Kind
from dask_ecs.command_line import own_credentials

STREAM = "arn:aws:logs:eu-west-1:123456789012:log-group:dask-ecs:log-stream:worker/worker/0123abcd"


def refused(message: str, *, code: str = "AccessDeniedException", operation: str = "logs:GetLogEvents") -> AwsError:
    return AwsError(operation=operation, code=code, message=message, kind=Kind.NEEDS_USER)


def test_credentials_that_are_missing_are_the_callers() -> None:
    said = own_credentials.of_reading(refused("Unable to locate credentials", code="NoCredentials"))
    assert "There are no AWS credentials here: set AWS_PROFILE" in said
    assert "operator" not in said
    said = own_credentials.advice(refused("The security token included in the request is expired", code="ExpiredToken"))
    assert said.endswith("Your AWS credentials have expired: renew them, as by `aws sso login`.")


def test_of_a_log_that_may_not_be_read_the_whole_group_is_named_and_all_actions() -> None:
    error = refused(
        "User: arn:aws:iam::123456789012:user/jane is not authorized to perform: logs:GetLogEvents on resource: "
        f"{STREAM} because no identity-based policy allows the logs:GetLogEvents action"
    )
    said = own_credentials.of_reading(error)
    before, _, after = said.partition("Add this statement to a policy of arn:aws:iam::123456789012:user/jane: ")
    assert STREAM in before
    statement, end = json.JSONDecoder().raw_decode(after)
    assert statement["Action"] == "logs:GetLogEvents"
    assert statement["Resource"] == "arn:aws:logs:eu-west-1:123456789012:log-group:dask-ecs:*"
    assert "takes ecs:ListTasks, ecs:DescribeTasks and logs:GetLogEvents" in after[end:]
    assert "iam-policy" not in said


def test_what_does_not_depend_on_who_calls_is_told_as_ever() -> None:
    error = refused("Rate exceeded", code="ThrottlingException")
    assert own_credentials.advice(error) == error.advice
    assert own_credentials.advice(ConfigurationError("sts", code="InvalidEndpoint", message="Mend it.")) == "Mend it."
