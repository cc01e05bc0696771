"""Where in CloudWatch Logs a task's output is."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dask_ecs.api.spec import DaskClusterSpec, Logs
    from dask_ecs.plan.observed import GivenDefinition, Role


@dataclasses.dataclass(frozen=True, kw_only=True)
class LogStream:
    """A log stream of a log group in the cluster's region."""

    group: str
    name: str


def of_task(spec: DaskClusterSpec, role: Role, task_id: str, *, given: GivenDefinition | None) -> LogStream | None:
    """Return the stream of Dask's container in a task (AWS: "Using the awslogs log driver"), None if it is not there.

    `given` is the task definition that a user brought for the role, if there is one.
    """
    if given:
        if not given.log_group or not given.log_prefix:
            return None
        return LogStream(group=given.log_group, name=f"{given.log_prefix}/{given.container}/{task_id}")
    if spec.role(role).log_configuration:
        return None
    return LogStream(group=spec.logs.group, name=f"{prefix(spec.logs, role)}/{role}/{task_id}")


def prefix(logs: Logs, role: Role) -> str:
    """Return the prefix of a role's log streams; the container's name and the task's id follow it."""
    return logs.stream_prefix or role
