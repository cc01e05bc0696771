"""A task definition that a user brings: which container is Dask's, and what it has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dask_ecs.plan import certificate, infrastructure, tls
from dask_ecs.plan.observed import GivenDefinition
from dask_ecs.plan.problems import NeedsUser

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dask_ecs.plan.observed import Role
    from dask_ecs.plan.target import Target

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
        variables=frozenset(each["name"] for held in ("environment", "secrets") for each in container.get(held, ())),
    )


def check_certificates(target: Target, given: Mapping[Role, GivenDefinition], *, account_id: str) -> None:
    """Check that where there is TLS each given definition has the certificate; RunTask brings no secrets.

    Raises:
        NeedsUser: one has not, with what is to be added to it.

    """
    if not target.has_tls:
        return
    secret = tls.secret(target, account_id=account_id)
    for role, definition in given.items():
        brought = dict(infrastructure.environment(target, role, given=definition))
        wanted = certificate.sources(role, secret=secret)
        lacking = [name for name in wanted if name not in definition.variables and name not in brought]
        if not lacking:
            continue
        secrets = json.dumps([{"name": name, "valueFrom": wanted[name]} for name in lacking])
        raise NeedsUser(
            "TaskDefinitionLacksCertificate",
            f"spec.{role}.taskDefinitionArn: task definition {definition.arn} does not give container "
            f"{definition.container} the certificate for TLS, and RunTask can not. Register a revision whose "
            f"executionRoleArn may read the secret {secret}-*, with these secrets in that container, and name it: "
            f"{secrets} Or make the DaskCluster anew with tls.enabled: false.",
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
