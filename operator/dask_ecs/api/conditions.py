"""Conditions, as every Kubernetes object has them, and how they change."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from dask_ecs.api.model import Model

ConditionStatus = Literal["True", "False", "Unknown"]

# Kubernetes API reference, metav1.Condition.
MAX_MESSAGE = 32768


class Condition(Model):
    """One aspect of the state, of the shape of Kubernetes' metav1.Condition."""

    type: Annotated[str, Field(max_length=316)]
    """Which aspect, as Ready."""

    status: ConditionStatus
    """True, False or Unknown."""

    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """Why, in one CamelCase word for programs."""

    message: Annotated[str, Field(max_length=MAX_MESSAGE)] = ""
    """Why, and what to do about it, in words for people."""

    last_transition_time: Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
    """When the status last changed."""

    observed_generation: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] | None = None
    """The metadata.generation that this was said of."""


def find_condition(conditions: Sequence[Condition], condition_type: str) -> Condition | None:
    """Return the condition of this type, if it is there."""
    return next((condition for condition in conditions if condition.type == condition_type), None)


def set_condition(
    conditions: Sequence[Condition],
    condition_type: str,
    status: ConditionStatus,
    *,
    reason: str,
    message: str = "",
    observed_generation: int | None = None,
    now: datetime,
) -> tuple[Condition, ...]:
    """Return the conditions with one set in its place, or added at the end.

    `lastTransitionTime` becomes `now` only if the status changes. A message beyond Kubernetes' limit is cut.
    """
    old = find_condition(conditions, condition_type)
    new = Condition(
        type=condition_type,
        status=status,
        reason=reason,
        message=message[:MAX_MESSAGE],
        last_transition_time=old.last_transition_time if old and old.status == status else rfc3339(now),
        observed_generation=observed_generation,
    )
    if old is None:
        return (*conditions, new)
    return tuple(new if condition.type == condition_type else condition for condition in conditions)


def rfc3339(moment: datetime) -> str:
    """Write an aware time as Kubernetes does, to the second: `2026-01-31T12:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
