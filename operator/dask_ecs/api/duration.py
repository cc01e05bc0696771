"""Durations as Go writes them: `90s`, `5m`, `1h30m`."""

import datetime
import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
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
