"""ECS task definitions: content-addressed, so that what is registered already is found, not registered again."""

from collections.abc import Mapping
from typing import Any

from dask_ecs.aws import operations
from dask_ecs.aws.session import Aws


async def ensure(aws: Aws, request: Mapping[str, Any]) -> str:
    """Return the ARN of the revision that holds this; the family's name says what it holds."""
    listing = aws.pages(
        operations.LIST_TASK_DEFINITIONS, "taskDefinitionArns", familyPrefix=request["family"], status="ACTIVE"
    )
    async for arn in listing:
        return str(arn)
    answer = await aws.call(operations.REGISTER_TASK_DEFINITION, **request)
    return str(answer["taskDefinition"]["taskDefinitionArn"])


async def deregister(aws: Aws, *, family_prefix: str) -> None:
    """Deregister every active revision of every family whose name starts so."""
    families = [
        family
        async for family in aws.pages(
            operations.LIST_TASK_DEFINITION_FAMILIES, "families", familyPrefix=family_prefix, status="ACTIVE"
        )
    ]
    for family in families:
        arns = [
            arn
            async for arn in aws.pages(
                operations.LIST_TASK_DEFINITIONS, "taskDefinitionArns", familyPrefix=family, status="ACTIVE"
            )
        ]
        for arn in arns:
            await aws.call(operations.DEREGISTER_TASK_DEFINITION, taskDefinition=arn)
