"""Durations as Go writes them: `90s`, `5m`, `1h30m`."""

import datetime
import re
from typing import Annotated

from pydantic import Field

from dask_ecs.api.rules import Rule, matching

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
# What a field takes: whole hours, minutes and seconds.
_PATTERN = "([0-9]{1,8}[hms])+"
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")


def parse_duration(text: str) -> datetime.timedelta:
    """Return how long a duration is.

    Raises:
        ValueError: it is none.

    """
    parts = _PART.findall(text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration: write it as 90s, 5m or 1h30m")
    return datetime.timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def _is_readable(text: str) -> bool:
    return re.fullmatch(_PATTERN, text) is not None


def _between(low: str, high: str, message: str) -> Rule:
    return Rule(
        cel=f"!self.matches(r'^{_PATTERN}$')"
        f" || (duration(self) >= duration('{low}') && duration(self) <= duration('{high}'))",
        holds=lambda text: (
            not _is_readable(text) or parse_duration(low) <= parse_duration(text) <= parse_duration(high)
        ),
        message=message,
    )


_READABLE = matching(_PATTERN, "not a duration: write whole hours, minutes and seconds, as 5m, 1h30m or 90s")

# A year is longer than any cluster of tasks should live unseen.
IdleTimeout = Annotated[
    str,
    Field(max_length=32),
    _READABLE,
    _between("0s", "8760h", "a cluster may idle for 8760h at most: write less, or 0s for ever"),
]
Lifetime = Annotated[
    str,
    Field(max_length=32),
    _READABLE,
    _between("1m", "8760h", "a cluster's life has 1m to 8760h: write such a duration, or leave maxLifetime out"),
]
