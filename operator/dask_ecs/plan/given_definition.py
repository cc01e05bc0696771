"""A task definition that a user brings: which container is Dask's, and what it has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dask_ecs.plan import certificate, infrastructure, tls
from dask_ecs.plan.observed import GivenDefinition, TaskSize
from dask_ecs.plan.problems import NeedsUser

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dask_ecs.plan.observed import Role
    from dask_ecs.plan.target import Target

# ECS API reference, ContainerDefinition: stopTimeout where none is set, in seconds.
STOP_TIMEOUT = 30


def read(described: Mapping[str, Any], *, role: Role) -> GivenDefinition:
    """Read DescribeTaskDefinition's answer."""
    arn: str = described["taskDefinitionArn"]
    containers: list[Mapping[str, Any]] = described["containerDefinitions"]
    named = [container for container in containers if container["name"] == role]
    essential = [container for container in containers if container.get("essential", True)]
    container = (named or essential)[0]
    others = [other for other in containers if other is not container]
    logs = _awslogs(container, region=arn.split(":")[3])
    return GivenDefinition(
        arn=arn,
        container=container["name"],
        cpu_units=container.get("cpu") or _left(described, others, "cpu"),
        memory_mib=container.get("memory") or _left(described, others, "memory") or container.get("memoryReservation"),
        stop_timeout=container.get("stopTimeout") or STOP_TIMEOUT,
        variables=frozenset(each["name"] for held in ("environment", "secrets") for each in container.get(held, ())),
        others_cpu_units=None if container.get("cpu") else _taken(others, "cpu"),
        others_memory_mib=None if container.get("memory") else _taken(others, "memory"),
        size=_size(described, containers),
        disk_gib=(described.get("ephemeralStorage") or {}).get("sizeInGiB"),
        log_group=logs.get("awslogs-group"),
        log_prefix=logs.get("awslogs-stream-prefix"),
    )


def check(described: Mapping[str, Any], *, role: Role) -> None:
    """Check that tasks can be run by a definition, by DescribeTaskDefinition's answer.

    Raises:
        NeedsUser: they can not.

    """
    arn, field = described["taskDefinitionArn"], f"spec.{role}.taskDefinitionArn"
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


def _awslogs(container: Mapping[str, Any], *, region: str) -> Mapping[str, str]:
    """Return the options of the log driver awslogs, none where it writes elsewhere."""
    logs: Mapping[str, Any] = container.get("logConfiguration") or {}
    options: Mapping[str, str] = logs.get("options") or {}
    here = logs.get("logDriver") == "awslogs" and options.get("awslogs-region", region) == region
    return options if here else {}


def _size(described: Mapping[str, Any], containers: Iterable[Mapping[str, Any]]) -> TaskSize:
    # ECS API reference, ContainerDefinition: where there is a reservation, that is what an instance has to have.
    memory = sum(int(each.get("memoryReservation") or each.get("memory") or 0) for each in containers)
    asked = [one for each in containers for one in each.get("resourceRequirements") or () if one["type"] == "GPU"]
    return TaskSize(
        cpu_units=int(described.get("cpu") or _taken(containers, "cpu")),
        memory_mib=int(described.get("memory") or memory),
        gpus=sum(int(one["value"]) for one in asked),
    )


def _left(described: Mapping[str, Any], others: Iterable[Mapping[str, Any]], what: str) -> int | None:
    """Return what the other containers leave of the task's cpu or memory, None if the task does not say."""
    return int(described[what]) - _taken(others, what) if described.get(what) else None


def _taken(containers: Iterable[Mapping[str, Any]], what: str) -> int:
    return sum(int(container.get(what) or 0) for container in containers)
