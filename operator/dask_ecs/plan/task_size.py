"""How much of an instance a task takes: what RunTask is told, else what its definition says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dask_ecs.plan import run_task_overrides
from dask_ecs.plan.observed import TaskSize

if TYPE_CHECKING:
    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.observed import GivenDefinition, Role


def of(spec: DaskClusterSpec, role: Role, given: GivenDefinition | None) -> TaskSize:
    """Return it for a role's tasks, by the definition that a user brings for them or by the spec."""
    if given and given.size:
        size = given.size
    else:
        shape = spec.role(role)
        gpus = spec.worker.gpu if role == "worker" else 0
        size = TaskSize(cpu_units=shape.cpu_units, memory_mib=shape.memory_mib, gpus=gpus)
    return TaskSize(
        cpu_units=run_task_overrides.amount_of_task(spec, role, "cpu") or size.cpu_units,
        memory_mib=run_task_overrides.amount_of_task(spec, role, "memory") or size.memory_mib,
        gpus=size.gpus,
    )
