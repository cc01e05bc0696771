"""Fargate's capacity: without end, unless a test says how much is left."""

from __future__ import annotations


class Capacity:
    """How many more Fargate tasks can be run."""

    def __init__(self) -> None:
        self.left: int | None = None
        """None is without end."""

    def take(self) -> bool:
        """Take the capacity for one task, if there is any."""
        if self.left is None:
            return True
        if self.left <= 0:
            return False
        self.left -= 1
        return True
