"""What AWS refuses to whoever runs a command: the credentials are the caller's own there, not the operator's."""

import dataclasses
import re

from dask_ecs.aws.errors import AwsError, ConfigurationError
from dask_ecs.plan import access_denied
from dask_ecs.plan.access_denied import Denial

# By the reasons of `plan.causes`.
_FIXES = {
    "NoCredentials": "There are no AWS credentials here: set AWS_PROFILE, or log in, as by `aws sso login`.",
    "CredentialsExpired": "Your AWS credentials have expired: renew them, as by `aws sso login`.",
    "CredentialsInvalid": "AWS does not know your credentials: check AWS_PROFILE or the access key, and that it is of "
    "this partition (China and GovCloud have keys of their own).",
    "ClockSkewed": "This machine has another time than AWS: set its clock (NTP).",
    "WebIdentityRefused": "AWS does not take your token for the role: check AWS_ROLE_ARN, and the role's trust policy.",
    "AWSUnreachable": "AWS is not reached from here: check the region, AWS_ENDPOINT_URL, proxies and the network.",
}

_READING = (
    "To look at tasks and logs takes ecs:ListTasks, ecs:DescribeTasks and logs:GetLogEvents, and "
    "ecs:DescribeTaskDefinition for a definition of one's own (docs/permissions.md)."
)

# IAM, "Actions for Amazon CloudWatch Logs": a stream's ARN; the next task writes another.
_STREAM = re.compile(r":log-stream:.*")


def advice(error: AwsError) -> str:
    """Return what AWS said and what to do, in one line, for the person whose credentials are used."""
    if isinstance(error, ConfigurationError) or error.reason not in (*_FIXES, "AccessDenied"):
        return _one_line(error.advice)
    fix = _FIXES.get(error.reason) or _allowing(error)
    said = access_denied.readable(error.message).rstrip(".")
    return _one_line(f"{error.operation} failed: {said} ({error.code}). {fix}")


def of_reading(error: AwsError) -> str:
    """Return the same for commands that look at a cluster's tasks and logs, with all that this takes."""
    return f"{advice(error).rstrip('.')}. {_READING}" if error.reason == "AccessDenied" else advice(error)


def _allowing(error: AwsError) -> str:
    denial = access_denied.read(error.message, action=error.operation) or Denial(action=error.operation)
    denial = dataclasses.replace(denial, resource=_STREAM.sub(":*", denial.resource))
    return denial.remedy(identity="your AWS identity")


def _one_line(text: str) -> str:
    return " ".join(text.split())
