"""The request rates of ECS and EC2, as "Request throttling for the Amazon ECS API" and "... EC2 API" document them.

Off unless asked for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .wire import ServiceCall


@dataclass(slots=True)
class TokenBucket:
    """Holds `burst` tokens at most and gains `rate` a second."""

    burst: float
    rate: float
    tokens: float = field(init=False)
    at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def fill(self) -> float:
        """Return how many tokens there are now."""
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        return self.tokens


# Bucket, burst and rate a second; an operation can draw on several buckets.
_BUCKETS: Final[dict[str, tuple[float, float]]] = {
    "task definitions": (20, 1),
    "DeleteTaskDefinitions": (5, 1),
    "clusters": (20, 1),
    "tasks": (100, 40),
    "Fargate RunTask": (20, 20),
    "Fargate on-demand tasks": (100, 20),
    "Fargate Spot tasks": (100, 20),
    "task reads": (100, 20),
    "DescribeTaskDefinition": (50, 20),
    "tags": (20, 10),
}
_OPERATIONS: Final = {
    "RegisterTaskDefinition": "task definitions",
    "DeregisterTaskDefinition": "task definitions",
    "DeleteTaskDefinitions": "DeleteTaskDefinitions",
    "CreateCluster": "clusters",
    "DeleteCluster": "clusters",
    "RunTask": "tasks",
    "StopTask": "tasks",
    "ExecuteCommand": "tasks",
    "DescribeTasks": "task reads",
    "ListTasks": "task reads",
    "DescribeTaskDefinition": "DescribeTaskDefinition",
    "TagResource": "tags",
    "UntagResource": "tags",
}


CODES: Final = {"ecs": "ThrottlingException", "ec2": "RequestLimitExceeded"}
"""The error with which a service refuses what is too much."""


class Throttle:
    """The token buckets of every account and region."""

    def __init__(self, *, on: bool) -> None:
        self.on = on
        self._buckets: dict[tuple[str, str, str], TokenBucket] = {}

    def admits(self, account: str, region: str, call: ServiceCall) -> bool:
        """Take what the call costs; when one bucket has too little, take nothing and return False."""
        if not self.on or call.service not in CODES:
            return True
        cost = _cost(call.operation, call.parameters) if call.service == "ecs" else {f"EC2 {call.operation}": 1}
        buckets = {name: self._bucket(account, region, name) for name in cost}
        if any(bucket.fill() < cost[name] for name, bucket in buckets.items()):
            return False
        for name, bucket in buckets.items():
            bucket.tokens -= cost[name]
        return True

    def _bucket(self, account: str, region: str, name: str) -> TokenBucket:
        key = (account, region, name)
        if key not in self._buckets:
            self._buckets[key] = TokenBucket(*(_ec2_bucket(name) if name.startswith("EC2 ") else _BUCKETS[name]))
        return self._buckets[key]


def _ec2_bucket(name: str) -> tuple[float, float]:
    """Return burst and rate of one EC2 operation's own bucket."""
    return (100, 20) if name.startswith(("EC2 Describe", "EC2 Get")) else (50, 5)


def _cost(operation: str, request: dict[str, Any]) -> dict[str, int]:
    cost = {_OPERATIONS[operation]: 1} if operation in _OPERATIONS else {}
    if operation == "RunTask":
        providers = {item.get("capacityProvider") for item in request.get("capacityProviderStrategy") or []}
        if request.get("launchType") == "FARGATE" or providers & {"FARGATE", "FARGATE_SPOT"}:
            tasks = "Fargate Spot tasks" if "FARGATE_SPOT" in providers else "Fargate on-demand tasks"
            cost |= {"Fargate RunTask": 1, tasks: request.get("count") or 1}
    return cost
