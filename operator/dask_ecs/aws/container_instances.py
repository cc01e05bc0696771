"""The EC2 instances of an ECS cluster."""

from dask_ecs.aws import operations
from dask_ecs.aws.session import Aws


async def list_draining(aws: Aws, *, ecs_cluster: str) -> frozenset[str]:
    """Return the ARNs of those that are to be emptied: ECS places no more tasks there, and stops none of ours."""
    listing = aws.pages(
        operations.LIST_CONTAINER_INSTANCES, "containerInstanceArns", cluster=ecs_cluster, status="DRAINING"
    )
    return frozenset([arn async for arn in listing])
