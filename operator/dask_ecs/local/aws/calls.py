"""What was asked of this AWS: a count by operation, and the last calls with their parameters."""

from __future__ import annotations

import itertools
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any, Final

_REMEMBERED: Final = 10_000


@dataclass(slots=True)
class Call:
    """One call; `outcome` is an error code, empty when it succeeded."""

    operation: str
    region: str
    caller: str
    user_agent: str
    parameters: dict[str, Any]
    request_id: str
    at: float = field(default_factory=time.time)
    outcome: str = ""


@dataclass(slots=True, frozen=True)
class Denial:
    """A call that its caller's policies did not allow, and AWS's words for it."""

    operation: str
    caller: str
    message: str
    at: float


class CallLog:
    """Counts all calls since the start or the last reset, and remembers the last 10,000.

    What policies did not allow is remembered by itself, and a reset forgets nothing of it.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._calls: deque[Call] = deque(maxlen=_REMEMBERED)
        self._denials: deque[Denial] = deque(maxlen=_REMEMBERED)

    def add(self, call: Call) -> None:
        """Remember the call."""
        self.counts[call.operation] += 1
        self._calls.append(call)

    def deny(self, call: Call, message: str) -> None:
        """Remember that the caller's policies did not allow the call."""
        self._denials.append(Denial(call.operation, call.caller, message, call.at))

    def reset(self) -> None:
        """Forget all calls."""
        self.counts.clear()
        self._calls.clear()

    def calls(self, operation: str | None = None, *, since: float = 0.0) -> list[dict[str, Any]]:
        """Return the remembered calls, oldest first; with `since` only those of that Unix time and later."""
        late = list(itertools.takewhile(lambda call: call.at >= since, reversed(self._calls)))
        return [asdict(call) for call in reversed(late) if operation in (None, call.operation)]

    def denials(self, *, since: float = 0.0) -> list[dict[str, Any]]:
        """Return what policies did not allow, oldest first; with `since` only that Unix time's and later."""
        return [asdict(denial) for denial in self._denials if denial.at >= since]
