"""Which instances of an ECS cluster are draining: asked now and then while tasks of ours run on any."""

import logging

from dask_ecs.aws import container_instances
from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.session import Aws

logger = logging.getLogger(__name__)

# Seconds between two questions. A Spot instance has two minutes from its warning (Amazon EC2 user guide, "Spot Instance
# interruption notices"). All ECS clusters together ask so often a second at most: an account has 20 such reads.
INTERVAL = 10.0
MOST_A_SECOND = 4.0

# Seconds until it is asked again after AWS has refused.
AFTER_ERROR = 300.0


class DrainingInstances:
    """Of one ECS cluster."""

    def __init__(self, aws: Aws, *, ecs_cluster: str) -> None:
        self._aws = aws
        self._ecs_cluster = ecs_cluster
        self._due = -float("inf")
        self.arns: frozenset[str] = frozenset()

    def seconds_until_due(self, *, now: float) -> float:
        """Return in how many seconds to ask."""
        return max(self._due - now, 0.0)

    async def look(self, *, now: float, watchers: int) -> frozenset[str]:
        """Ask if it is time, as one of so many; return the instances of which something else is known than before."""
        if now < self._due:
            return frozenset()
        self._due = now + max(INTERVAL, watchers / MOST_A_SECOND)
        before = self.arns
        try:
            self.arns = await container_instances.list_draining(self._aws, ecs_cluster=self._ecs_cluster)
        except AwsError as error:
            logger.warning("What instances of %s are draining is not known: %s", self._ecs_cluster, error)
            self._due = now + AFTER_ERROR
        return before ^ self.arns
