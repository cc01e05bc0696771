"""ECS task definitions: ours content-addressed, so that what is registered is found again; a user's looked at."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from dask_ecs.aws import operations
from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.plan import given_definition
from dask_ecs.plan.observed import GivenDefinition, Role
from dask_ecs.plan.problems import NeedsUser


async def ensure(aws: Aws, request: Mapping[str, Any], *, tell: Tell = nobody) -> str:
    """Return the ARN of the newest revision that holds this; the family's name says what it holds."""
    if found := [arn async for arn in _revisions(aws, request["family"])]:
        return found[-1]
    answer = await aws.call(operations.REGISTER_TASK_DEFINITION, **request)
    tell(f"Task definition {request['family']} was deregistered; it is registered again.")
    return str(answer["taskDefinition"]["taskDefinitionArn"])


async def deregister(aws: Aws, *, family: str, first: str | None = None) -> None:
    """Deregister every active revision of the family: a RegisterTaskDefinition that was sent twice has made two.

    Then the answer was the second; so where that was the `first`, and it is still there, it is the only one.
    """
    if first and await _deregister(aws, first):
        return
    for arn in [arn async for arn in _revisions(aws, family)]:
        await _deregister(aws, arn)


async def _deregister(aws: Aws, arn: str) -> bool:
    """Deregister a revision; return whether it was still active."""
    try:
        await aws.call(operations.DEREGISTER_TASK_DEFINITION, taskDefinition=arn)
    except AwsError as error:
        if "inactive" not in error.message:
            raise
        return False
    return True


async def use(aws: Aws, *, arn: str, role: Role) -> GivenDefinition:
    """Return what Dask has to know of a task definition that a user brings for a role.

    Raises:
        NeedsUser: it is not there, or can not be used.

    """
    try:
        described = await describe(aws, arn=arn)
    except AwsError as error:
        if error.code != "ClientException":
            raise
        raise NeedsUser(
            "TaskDefinitionNotFound",
            f"spec.{role}.taskDefinitionArn: there is no task definition {arn}. Register it, or name another.",
        ) from error
    given_definition.check(described, role=role)
    return given_definition.read(described, role=role)


async def describe(aws: Aws, *, arn: str) -> Mapping[str, Any]:
    """Return a task definition as ECS describes it."""
    answer = await aws.call(operations.DESCRIBE_TASK_DEFINITION, taskDefinition=arn)
    described: Mapping[str, Any] = answer["taskDefinition"]
    return described


def _revisions(aws: Aws, family: str) -> AsyncIterator[str]:
    return aws.pages(operations.LIST_TASK_DEFINITIONS, "taskDefinitionArns", familyPrefix=family, status="ACTIVE")
