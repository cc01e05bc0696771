"""How fast AWS lets an account call ECS and EC2: the documented token buckets, kept by us so that AWS need not refuse.

No clock is read here: whoever asks passes the time, in seconds of any clock that never goes back.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

Capacity = Literal["FARGATE", "FARGATE_SPOT", "EC2"]
Cost = Mapping[str, float]
"""Tokens by bucket."""


@dataclasses.dataclass(frozen=True)
class Limit:
    """A bucket holds `burst` tokens at most, and gains `rate` a second."""

    burst: float
    rate: float

    def less_margin(self, *, slack: float) -> Limit:
        """Return the limit to keep ourselves, so that calls which go out within it are within AWS's own when they come.

        `slack`, in seconds, is how much later than others a call may be counted. Calls counted within t seconds have
        gone out within t + slack, so the burst is smaller by what the rate gives in that time; 2 % of the rate are for
        the difference of two clocks. Of a bucket that holds no more than a second's worth, no burst is left: its calls
        go out one by one.
        """
        burst = max(1.0, self.burst - self.rate * slack)
        # Where the burst could not shrink by enough, the rate has to, but for half of it.
        room = max((self.burst - burst) / slack, self.rate / 2)
        return Limit(burst=burst, rate=min(self.rate * 0.98, room))


# AWS: "Request throttling for the Amazon ECS API", by account and region; the three of Fargate: "AWS Fargate throttling
# quotas", where a call of RunTask is one of its calls and as many of its tasks as it runs.
_ECS: Mapping[str, Limit] = {
    "clusters": Limit(20, 1),
    "cluster reads": Limit(50, 20),
    "task definitions": Limit(20, 1),
    "task definition reads": Limit(50, 20),
    "task definition deletions": Limit(5, 1),
    "tags": Limit(20, 10),
    "tasks": Limit(100, 40),
    "task reads": Limit(100, 20),
    "Fargate RunTask": Limit(20, 20),
    "Fargate on-demand tasks": Limit(100, 20),
    "Fargate Spot tasks": Limit(100, 20),
}

# AWS: "Request throttling for the Amazon EC2 API": each operation has a bucket of its own, larger if it only reads.
_EC2_CHANGES, _EC2_READS = Limit(50, 5), Limit(100, 20)
_EC2: Mapping[str, Limit] = {
    "EC2 CreateSecurityGroup": _EC2_CHANGES,
    "EC2 DeleteSecurityGroup": _EC2_CHANGES,
    "EC2 AuthorizeSecurityGroupIngress": _EC2_CHANGES,
    "EC2 RevokeSecurityGroupIngress": _EC2_CHANGES,
    "EC2 CreateLaunchTemplate": _EC2_CHANGES,
    "EC2 CreateLaunchTemplateVersion": _EC2_CHANGES,
    "EC2 DeleteLaunchTemplate": _EC2_CHANGES,
    "EC2 DescribeLaunchTemplates": _EC2_READS,
    "EC2 DescribeLaunchTemplateVersions": _EC2_READS,
    "EC2 DescribeInstanceTypes": _EC2_READS,
    "EC2 DescribeSecurityGroups": _EC2_READS,
    "EC2 DescribeVpcs": _EC2_READS,
    "EC2 DescribeSubnets": _EC2_READS,
    "EC2 DescribeRouteTables": _EC2_READS,
}

DOCUMENTED: Mapping[str, Limit] = {**_ECS, **_EC2}

_BUCKETS: Mapping[str, str] = {
    **{bucket.removeprefix("EC2 "): bucket for bucket in _EC2},
    "CreateCluster": "clusters",
    "DeleteCluster": "clusters",
    # The buckets of these are not documented: they change clusters, too.
    "PutClusterCapacityProviders": "clusters",
    "CreateCapacityProvider": "clusters",
    "UpdateCapacityProvider": "clusters",
    "DeleteCapacityProvider": "clusters",
    "DescribeCapacityProviders": "cluster reads",
    "DescribeClusters": "cluster reads",
    "RegisterTaskDefinition": "task definitions",
    "DeregisterTaskDefinition": "task definitions",
    "DescribeTaskDefinition": "task definition reads",
    "ListTaskDefinitions": "task definition reads",
    "ListTaskDefinitionFamilies": "task definition reads",
    "DeleteTaskDefinitions": "task definition deletions",
    "TagResource": "tags",
    "UntagResource": "tags",
    "StopTask": "tasks",
    "DescribeTasks": "task reads",
    "ListTasks": "task reads",
    "ListContainerInstances": "task reads",
}
_FARGATE_TASKS: Mapping[Capacity, str] = {"FARGATE": "Fargate on-demand tasks", "FARGATE_SPOT": "Fargate Spot tasks"}

# Tokens that a launch leaves in its bucket: tasks can be stopped however much is being launched.
LEFT_BY_LAUNCHES: Cost = {"tasks": 10}


def call_cost(operation: str) -> Cost:
    """Return what a call of an operation costs; nothing where no bucket is known. RunTask: see `launch_cost`."""
    return {_BUCKETS[operation]: 1} if operation in _BUCKETS else {}


def launch_cost(capacity: Capacity, *, tasks: float, calls: int = 1) -> Cost:
    """Return what so many calls of RunTask cost that run so many tasks together."""
    if capacity == "EC2":
        return {"tasks": calls}
    return {"tasks": calls, "Fargate RunTask": calls, _FARGATE_TASKS[capacity]: tasks}


def capacity_of(request: Mapping[str, Any]) -> Capacity:
    """Return what a call of RunTask with these parameters runs its tasks on; EC2 where they leave it to the cluster."""
    providers = {item.get("capacityProvider") for item in request.get("capacityProviderStrategy") or ()}
    if "FARGATE_SPOT" in providers:
        return "FARGATE_SPOT"
    return "FARGATE" if request.get("launchType") == "FARGATE" or "FARGATE" in providers else "EC2"


def run_task_cost(request: Mapping[str, Any]) -> Cost:
    """Return what the call of RunTask with these parameters costs."""
    return launch_cost(capacity_of(request), tasks=request.get("count") or 1)


_NUMBER = r"\d+(?:\.\d+)?"
_QUOTA = re.compile(rf"\s*(?P<name>[^=]*?)\s*=\s*(?P<burst>{_NUMBER})\s*/\s*(?P<rate>{_NUMBER})\s*")


def parse_quota(text: str) -> tuple[str, Limit]:
    """Read `NAME=BURST/RATE`, as a user with a raised quota writes it: `Fargate RunTask=40/40`.

    Raises:
        ValueError: with what is wrong and what would be right.

    """
    match = _QUOTA.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not NAME=BURST/RATE, such as 'Fargate RunTask=40/40'")
    if match["name"] not in DOCUMENTED:
        raise ValueError(f"There is no quota {match['name']!r}; there are: {', '.join(DOCUMENTED)}")
    limit = Limit(burst=float(match["burst"]), rate=float(match["rate"]))
    if limit.burst < 1 or not 0 < limit.rate <= limit.burst:
        raise ValueError(f"{text!r}: the burst must be at least 1, the rate more than 0 and no more than the burst")
    return match["name"], limit


# Seconds: the calls that were under way together when AWS throttled count once.
_SAME_THROTTLING = 1.0
# A throttled bucket gains a tenth of its full rate each five seconds without throttling: from half in 25 s.
_RECOVERY_STEP, _RECOVERY_INTERVAL = 0.1, 5.0
_LEAST_RATE = 1 / 16

# Of a token: what floating-point numbers and timers that fire a bit early may lack.
_ROUNDING = 1e-6


class TokenBucket:
    """Tokens of one kind: full at first, slower for a while after AWS has throttled."""

    def __init__(self, limit: Limit, *, now: float) -> None:
        self._limit = limit
        self._tokens = limit.burst
        self._rate = limit.rate
        self._at = now
        self._throttled_at = -math.inf
        self._step_at = math.inf

    def rate(self, *, now: float) -> float:
        """Return the tokens gained a second."""
        self._advance(now)
        return self._rate

    def has(self, tokens: float, *, leave: float = 0, now: float) -> bool:
        """Whether so many can be taken and so many left; more than it ever holds can be taken when it is full."""
        self._advance(now)
        return self._tokens + _ROUNDING >= min(tokens + leave, self._limit.burst)

    def spend(self, tokens: float, *, now: float) -> None:
        """Take tokens, there or not: what is not there is owed."""
        self._advance(now)
        self._tokens -= tokens

    def give_back(self, tokens: float, *, now: float) -> None:
        """Put back what was taken and not used."""
        self._advance(now)
        self._tokens = min(self._limit.burst, self._tokens + tokens)

    def seconds_until(self, tokens: float, *, leave: float = 0, now: float) -> float:
        """Return how long until `has` is true if nobody else takes any; 0 if it is."""
        if self.has(tokens, leave=leave, now=now):
            return 0.0
        return self.seconds_to_give(min(tokens + leave, self._limit.burst), now=now)

    def seconds_to_give(self, tokens: float, *, now: float) -> float:
        """Return how long until so many tokens, more than it holds at once too, have been handed out from now on."""
        self._advance(now)
        lacking, at, rate, step_at = tokens - self._tokens, now, self._rate, self._step_at
        while lacking > (gained := (step_at - at) * rate):
            lacking, at = lacking - gained, step_at
            rate, step_at = self._recovered(rate, step_at)
        return max(at - now + lacking / rate, 0.0)

    def throttled(self, *, now: float) -> None:
        """Take in that AWS has throttled: the bucket is empty after all, and half as fast until it has recovered."""
        self._advance(now)
        self._tokens = min(self._tokens, 0.0)
        if now - self._throttled_at >= _SAME_THROTTLING:
            self._rate = max(self._rate / 2, self._limit.rate * _LEAST_RATE)
            self._throttled_at = now
        self._step_at = now + _RECOVERY_INTERVAL

    def _advance(self, now: float) -> None:
        while self._step_at <= now:
            self._gain(until=self._step_at)
            self._rate, self._step_at = self._recovered(self._rate, self._step_at)
        self._gain(until=now)

    def _recovered(self, rate: float, at: float) -> tuple[float, float]:
        """Return the rate after one step of recovery, and when the next is due."""
        rate = min(rate + self._limit.rate * _RECOVERY_STEP, self._limit.rate)
        return rate, (at + _RECOVERY_INTERVAL if rate < self._limit.rate else math.inf)

    def _gain(self, *, until: float) -> None:
        if until > self._at:
            self._tokens = min(self._limit.burst, self._tokens + (until - self._at) * self._rate)
            self._at = until


class Buckets:
    """The buckets of one account and region: a call takes all that it costs, or nothing."""

    def __init__(self, limits: Mapping[str, Limit], *, slack: float, now: float) -> None:
        self._buckets = {name: TokenBucket(limit.less_margin(slack=slack), now=now) for name, limit in limits.items()}

    @property
    def names(self) -> Collection[str]:
        """Which buckets there are."""
        return self._buckets.keys()

    def take(self, cost: Cost, *, leave: Cost | None = None, now: float) -> bool:
        """Take what the call costs if all of it is there, with what has to be left."""
        left = leave or {}
        if not all(self._buckets[name].has(n, leave=left.get(name, 0), now=now) for name, n in cost.items()):
            return False
        self.owe(cost, now=now)
        return True

    def owe(self, cost: Cost, *, now: float) -> None:
        """Take what the call costs, there or not."""
        for name, tokens in cost.items():
            self._buckets[name].spend(tokens, now=now)

    def give_back(self, cost: Cost, *, now: float) -> None:
        """Put back what a call would have cost that was not made."""
        for name, tokens in cost.items():
            self._buckets[name].give_back(tokens, now=now)

    def seconds_until(self, cost: Cost, *, leave: Cost | None = None, now: float) -> float:
        """Return how long until `take` succeeds if nobody else takes any; 0 if it would."""
        left = leave or {}
        waits = (self._buckets[name].seconds_until(n, leave=left.get(name, 0), now=now) for name, n in cost.items())
        return max(waits, default=0.0)

    def seconds_to_give(self, cost: Cost, *, now: float) -> float:
        """Return how long until all of this has been handed out, however much it is."""
        return max((self._buckets[name].seconds_to_give(n, now=now) for name, n in cost.items()), default=0.0)

    def throttled(self, names: Iterable[str], *, now: float) -> None:
        """Take in that AWS has throttled a call that drew on these."""
        for name in names:
            self._buckets[name].throttled(now=now)

    def rate(self, name: str, *, now: float) -> float:
        """Return the tokens that a bucket gains a second."""
        return self._buckets[name].rate(now=now)
