"""What one caller asked of the local AWS, call by call, read while it happens: the log there is finite."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from dask_ecs.local.aws.handle import LocalAWS

# Seconds. The local AWS remembers 10,000 calls, more than are made between two looks.
_INTERVAL = 2.0
# A call is logged when it comes and has its outcome when it is answered: each look goes back this far.
_UNANSWERED_FOR = 5.0


@dataclass(frozen=True)
class Call:
    """One call: when it reached AWS (Unix time), and the error it was answered with, empty when it succeeded."""

    operation: str
    at: float
    outcome: str
    parameters: dict[str, Any]

    @property
    def is_throttled(self) -> bool:
        """Whether AWS said that there were too many."""
        return "Throttling" in self.outcome or self.outcome == "RequestLimitExceeded"


@dataclass
class AwsCalls:
    """The calls of one caller, known by its access key."""

    aws: LocalAWS
    caller: str
    _seen: dict[str, Call] = field(default_factory=dict)
    _read_until: float = 0.0

    @contextlib.asynccontextmanager
    async def recorded(self) -> AsyncIterator["AwsCalls"]:
        """Read the log every two seconds until the block ends."""
        reading = asyncio.create_task(self._read_on())
        try:
            yield self
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def since(self, moment: float, *, until: float = float("inf")) -> list[Call]:
        """Return the calls that came from one Unix time until another, oldest first."""
        await self._read()
        return [call for call in self._seen.values() if moment <= call.at < until]

    async def first_run_task(self, uids: Iterable[str], *, since: float) -> dict[str, float]:
        """Return when the first RunTask that succeeded came for each DaskCluster, by the UIDs in `startedBy`."""
        wanted = set(uids)
        first: dict[str, float] = {}
        for call in successful_run_tasks(await self.since(since)):
            uid = call.parameters.get("startedBy", "").rpartition("/")[2]
            if uid in wanted:
                first.setdefault(uid, call.at)
        return first

    async def _read_on(self) -> None:
        while True:
            await asyncio.sleep(_INTERVAL)
            await self._read()

    async def _read(self) -> None:
        now = time.time()
        log = await asyncio.to_thread(self.aws.call_log, since=self._read_until - _UNANSWERED_FOR)
        self._read_until = now
        for entry in log:
            if entry["caller"] == self.caller:
                # Only RunTask's parameters are ever asked for, and a long run makes many calls.
                parameters = entry["parameters"] if entry["operation"] == "ecs:RunTask" else {}
                self._seen[entry["request_id"]] = Call(entry["operation"], entry["at"], entry["outcome"], parameters)


def successful_run_tasks(calls: Iterable[Call]) -> list[Call]:
    """Return those that started tasks."""
    return [call for call in calls if call.operation == "ecs:RunTask" and not call.outcome]


def without_queue(calls: Iterable[Call]) -> list[Call]:
    """Return those that are not for receiving ECS's events: these are counted apart, for a user may do without."""
    return [call for call in calls if not call.operation.startswith("sqs:")]


def throttled(calls: Iterable[Call]) -> int:
    """Count the calls that AWS refused because there were too many."""
    return sum(call.is_throttled for call in calls)


def by_operation(calls: Iterable[Call]) -> str:
    """Return the counts in words, the most frequent first."""
    counts = Counter(call.operation for call in calls)
    return ", ".join(f"{count} {operation}" for operation, count in counts.most_common()) or "none"
