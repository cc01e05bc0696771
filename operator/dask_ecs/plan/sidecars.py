"""The container definitions of what runs beside Dask in a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dask_ecs.plan.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dask_ecs.api.sidecar import Sidecar

# What ECS has under other names, or in other units, than the API.
_OURS = {"cpu", "memory", "image_credentials", "environment", "secrets"}


def definitions(sidecars: Iterable[Sidecar], *, logs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return RegisterTaskDefinition's containers; `logs` is where those log that do not say where.

    None is essential: a task ends with Dask, and only so is it known whether a scheduler has finished or failed.
    """
    return [_definition(sidecar, logs=logs) for sidecar in sidecars]


def _definition(sidecar: Sidecar, *, logs: Mapping[str, Any]) -> dict[str, Any]:
    given = sidecar.model_dump(mode="json", exclude_none=True, exclude_defaults=True, exclude=_OURS)
    variables = Variables().and_then(
        plain=((variable.name, variable.value) for variable in sidecar.environment),
        secret=((secret.name, secret.value_from) for secret in sidecar.secrets),
    )
    container: dict[str, Any] = {
        "logConfiguration": logs,
        **given,
        "essential": False,
        "cpu": sidecar.cpu_units,
        "memory": sidecar.memory_mib,
        **variables.definition,
    }
    if sidecar.image_credentials:
        container["repositoryCredentials"] = {"credentialsParameter": sidecar.image_credentials}
    return container
