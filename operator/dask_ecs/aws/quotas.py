"""The quotas of one account and region: every attempt of a call waits for its tokens before it goes out."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from dask_ecs.aws.turns import Turns
from dask_ecs.plan import quota
from dask_ecs.plan.quota import Buckets, Capacity, Cost, Limit

logger = logging.getLogger(__name__)

# AWS: "Request throttling for the Amazon ECS API", and the same for the Amazon EC2 API.
THROTTLED = ("ThrottlingException", "RequestLimitExceeded")
METERED = ("ecs", "ec2")
"""The services whose rates are documented."""

# Seconds, see `Limit.less_margin`. By the same page tokens are added every second, so a call may find those of a moment
# ago. A whole second would leave RunTask on Fargate no burst, and each moment that the operator is busy would cost it a
# call for good: measured, 14 a second in place of 20.
SLACK = 0.75

# Seconds by which a RunTask may reach AWS later than others, when nothing but the network is between.
SLACK_AT_THE_DOOR = 0.25

# They give back what others may wait for, and are never kept waiting by what takes it.
_FREEING = {
    "DeregisterTaskDefinition",
    "DeleteTaskDefinitions",
    "DeleteCluster",
    "StopTask",
    "UntagResource",
    "DeleteCapacityProvider",
    "DeleteLaunchTemplate",
    "DeleteSecurityGroup",
    "RevokeSecurityGroupIngress",
}

_COST = "dask_ecs.cost"
_ATTEMPTED = "dask_ecs.attempted"


class Quotas:
    """The token buckets of ECS's and EC2's APIs in one account and region.

    Calls wait for their turn bucket by bucket, `idle` meanwhile. A launch does not wait here: whoever wants to run
    tasks asks `take_launch` until it is true and then calls RunTask. In between it writes the launch ahead, and after a
    stall many might go out together, each with its tokens; so RunTask passes a second set of buckets at the door, with
    less of a margin, where it waits only then.
    """

    def __init__(
        self,
        *,
        limits: Mapping[str, Limit],
        clock: Callable[[], float] = time.monotonic,
        idle: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self._clock = clock
        known = {**quota.DOCUMENTED, **limits}
        fargate = {name: limit for name, limit in known.items() if name.startswith("Fargate ")}
        self._buckets = Buckets(known, slack=SLACK, now=clock())
        self._door = Buckets(fargate, slack=SLACK_AT_THE_DOOR, now=clock())
        self._idle = idle
        self._turns: collections.defaultdict[str, Turns] = collections.defaultdict(Turns)

    def take_launch(self, capacity: Capacity, *, tasks: int) -> bool:
        """Take what one call of RunTask costs, if it is there; RunTask has to follow, or `give_back_launch`."""
        cost = quota.launch_cost(capacity, tasks=tasks)
        return self._buckets.take(cost, leave=quota.LEFT_BY_LAUNCHES, now=self._clock())

    def give_back_launch(self, capacity: Capacity, *, tasks: int) -> None:
        """Put back what was taken for a call of RunTask that is not made."""
        self._buckets.give_back(quota.launch_cost(capacity, tasks=tasks), now=self._clock())

    def give_back_tasks(self, capacity: Capacity, *, tasks: int) -> None:
        """Put back what was taken for tasks that a call of RunTask runs less than was said."""
        self._buckets.give_back(quota.launch_cost(capacity, calls=0, tasks=tasks), now=self._clock())

    def seconds_until_launch(self, capacity: Capacity, *, tasks: int) -> float:
        """Return how long until `take_launch` is true if nobody else takes any; 0 if it is."""
        cost = quota.launch_cost(capacity, tasks=tasks)
        return self._buckets.seconds_until(cost, leave=quota.LEFT_BY_LAUNCHES, now=self._clock())

    def seconds_to_launch(self, capacity: Capacity, *, calls: int, tasks: float) -> float:
        """Return how long so many calls of RunTask take that run so many tasks together."""
        cost = quota.launch_cost(capacity, calls=calls, tasks=tasks)
        left = quota.LEFT_BY_LAUNCHES
        return self._buckets.seconds_to_give(
            {name: tokens + left.get(name, 0) for name, tokens in cost.items()}, now=self._clock()
        )

    async def take(self, operation: str, *, cost: Cost, again: bool) -> None:
        """Wait until an attempt of a call may go out.

        Args:
            operation: AWS's name of it.
            cost: its tokens by bucket.
            again: the SDK has sent the call before. The attempt is counted like any other; so is RunTask's, for which
                only one was taken beforehand: launches to come wait the longer.

        """
        if operation != "RunTask":
            await self._wait(self._buckets, cost, turn=next(iter(cost), ""), first=operation in _FREEING)
            return
        if again:
            self._buckets.owe(cost, now=self._clock())
        at_the_door = {name: tokens for name, tokens in cost.items() if name in self._door.names}
        await self._wait(self._door, at_the_door, turn="RunTask")

    def throttled(self, operation: str, *, cost: Cost) -> None:
        """Take in that AWS has throttled a call.

        RunTask on Fargate draws on several buckets, and AWS does not say which was empty. The one that it shares with
        StopTask keeps its rate: fewer launches leave more of it, and tasks must be stopped all the same.
        """
        fargate = [name for name in cost if name in self._door.names]
        logger.warning("AWS throttles %s; fewer are sent for a while", operation)
        self._buckets.throttled(fargate or cost, now=self._clock())
        self._door.throttled(fargate, now=self._clock())

    def rate(self, bucket: str) -> float:
        """Return how many tokens a second a bucket gains now."""
        return self._buckets.rate(bucket, now=self._clock())

    def meter(self, client: Any) -> None:
        """Have every attempt of every call of a client wait for its tokens.

        By botocore's events, because it is botocore that sends a call again: so its retries, throttled or not, are
        counted, and no second kind of retrying is needed beside them.
        """
        service = client.meta.service_model.service_name
        client.meta.events.register(f"before-parameter-build.{service}", self._price)
        # First: the signature, which ages, comes after the wait.
        client.meta.events.register_first(f"request-created.{service}", self._before_attempt)
        client.meta.events.register(f"response-received.{service}", self._after_attempt)

    def _price(self, *, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context[_COST] = quota.run_task_cost(params) if model.name == "RunTask" else quota.call_cost(model.name)

    async def _before_attempt(self, *, request: Any, operation_name: str, **_: Any) -> None:
        context: dict[str, Any] = request.context
        again = context.setdefault(_ATTEMPTED, False)
        context[_ATTEMPTED] = True
        await self.take(operation_name, cost=context[_COST], again=again)

    def _after_attempt(
        self, *, event_name: str, parsed_response: dict[str, Any] | None, context: dict[str, Any], **_: Any
    ) -> None:
        if (parsed_response or {}).get("Error", {}).get("Code") in THROTTLED:
            self.throttled(event_name.rpartition(".")[2], cost=context[_COST])

    async def _wait(self, buckets: Buckets, cost: Cost, *, turn: str, first: bool = False) -> None:
        if not cost:
            return
        with self._idle():
            async with self._turns[turn].turn(first=first):
                now = self._clock()
                while not buckets.take(cost, now=now):
                    await asyncio.sleep(buckets.seconds_until(cost, now=now))
                    now = self._clock()
