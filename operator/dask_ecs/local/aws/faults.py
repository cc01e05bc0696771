"""Faults that a test asks for: this operation fails so many times, with this code, before or after it is done."""

from __future__ import annotations

import random

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """A fault of one operation."""

    model_config = ConfigDict(extra="forbid")

    operation: str = Field(description="`ecs:RunTask`; `ecs:*` for all of a service, `*` for all")
    count: int | None = Field(default=None, ge=1, description="how many calls fail; without it all of them")
    code: str | None = Field(default=None, description="the error code; without it the call is only slow")
    message: str = "Injected by the local AWS."
    status: int = Field(default=400, ge=400, le=599)
    latency: float = Field(default=0.0, ge=0, le=600, description="seconds before the call is answered")
    probability: float = Field(default=1.0, gt=0, le=1)
    after: bool = Field(default=False, description="the call is carried out, then the connection is closed")

    def matches(self, operation: str) -> bool:
        """Whether it is about this operation."""
        return self.operation in ("*", operation) or self.operation == f"{operation.partition(':')[0]}:*"


class Faults:
    """The faults in force; the oldest that matches strikes."""

    def __init__(self, *, seed: int) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random(seed)

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Take all faults out of force."""
        self._faults.clear()

    def strike(self, operation: str) -> Fault | None:
        """Return the fault that this call meets, if any, and count it."""
        for fault in self._faults:
            if fault.matches(operation) and self._random.random() < fault.probability:
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self._faults.remove(fault)
                return fault
        return None
