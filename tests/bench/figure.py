"""One measured figure, and what it is held against."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the report.

    ``measured`` is None when it could not be measured: ``note`` says why. ``compared`` is the floor or the peer, in
    words. ``at_most`` or ``at_least`` is what is to be reached, in the same ``unit`` as the measured value. Figures of
    one ``series`` are drawn over the number of clusters that they were measured ``at``.
    """

    name: str
    measured: float | None
    unit: str
    n: int = 1
    compared: str = ""
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""
    series: str = ""
    at: int | None = None

    @property
    def to_reach(self) -> str:
        """The aim, as a person writes it; empty where there is none."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g} {self.unit}".strip()
        if self.at_least is not None:
            return f"≥ {self.at_least:g} {self.unit}".strip()
        return ""

    @property
    def reached(self) -> bool | None:
        """Whether it is as good as it is to be; None where there is no aim or no value."""
        if self.measured is None or (self.at_most is None and self.at_least is None):
            return None
        return not (
            (self.at_most is not None and self.measured > self.at_most)
            or (self.at_least is not None and self.measured < self.at_least)
        )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of all do not exceed: nearest rank, so it is one that was measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
