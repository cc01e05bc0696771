"""A task definition that a user brings: which container is Dask's, and what it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dask_ecs.plan.observed import GivenDefinition
from dask_ecs.plan.problems import NeedsUser

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dask_ecs.plan.observed import Role

# ECS API reference, ContainerDefinition: stopTimeout where none is set, in seconds.
STOP_TIMEOUT = 30


def read(described: Mapping[str, Any], *, role: Role) -> GivenDefinition:
    """Read DescribeTaskDefinition's answer.

    Raises:
        NeedsUser: it can not be used.

    """
    arn: str = described["taskDefinitionArn"]
    containers: list[Mapping[str, Any]] = described["containerDefinitions"]
    named = [container for container in containers if container["name"] == role]
    essential = [container for container in containers if container.get("essential", True)]
    field = f"spec.{role}.taskDefinitionArn"
    if described.get("status") != "ACTIVE":
        raise NeedsUser(
            "TaskDefinitionInactive",
            f"{field}: task definition {arn} is deregistered, so it runs no more tasks. Name another revision.",
        )
    if described.get("networkMode") != "awsvpc":
        raise NeedsUser(
            "TaskDefinitionUnfit",
            f"{field}: each task needs an address of its own, which task definition {arn} does not give it. "
            "Register a revision with networkMode awsvpc, and name that.",
        )
    container = (named or essential)[0]
    others = [other for other in containers if other is not container]
    return GivenDefinition(
        arn=arn,
        container=container["name"],
        cpu_units=_left(described, container, others, "cpu"),
        memory_mib=_left(described, container, others, "memory") or container.get("memoryReservation"),
        stop_timeout=container.get("stopTimeout") or STOP_TIMEOUT,
    )


def _left(
    described: Mapping[str, Any], container: Mapping[str, Any], others: Iterable[Mapping[str, Any]], what: str
) -> int | None:
    """Return the container's own cpu or memory, else what the others leave of the task's, None if neither is said."""
    if own := container.get(what):
        return int(own)
    if not described.get(what):
        return None
    return int(described[what]) - sum(int(other.get(what) or 0) for other in others)
