"""Waiting for what comes by itself, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Generous, for it costs nothing when all is well. Seconds.
DEADLINE = 90.0


def until(
    look: Callable[[], T | None], *, within: float = DEADLINE, every: float = 0.1, shown: Callable[[], str] = str
) -> T:
    """Look until there is something true, and return it; after the deadline fail with what `shown` tells."""
    deadline = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come within {within:.0f} s\n{shown()}")
        time.sleep(every)
    return found
