"""The task definitions of a cluster: what ECS is told of a scheduler and of a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dask_ecs.plan import commands
from dask_ecs.plan.worker_preload import worker_preload

if TYPE_CHECKING:
    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.observed import Role

# AWS: "Amazon ECS task definition parameters for Fargate", stopTimeout: at most 120 seconds. A worker needs it to move
# its results elsewhere; one that has none is gone at once.
WORKER_STOP_TIMEOUT = 120

# A scheduler has a connection or more to each worker and client; the default of 1024 (Fargate) is soon used up.
OPEN_FILES = 65535


def content(
    spec: DaskClusterSpec, role: Role, *, image: str, region: str, execution_role: str, task_role: str
) -> dict[str, Any]:
    """Return RegisterTaskDefinition's parameters but for family and tags; the roles by ARN or by name.

    There is no command in it: that comes with RunTask, for a worker's holds the scheduler's address. So clusters that
    ask for the same have the same definition.
    """
    shape = spec.scheduler if role == "scheduler" else spec.worker
    container: dict[str, Any] = {
        "name": role,
        "image": image,
        "essential": True,
        "environment": environment(spec, role),
        "linuxParameters": {"initProcessEnabled": True},
        "ulimits": [{"name": "nofile", "softLimit": OPEN_FILES, "hardLimit": OPEN_FILES}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": spec.logs.group,
                "awslogs-region": region,
                "awslogs-stream-prefix": stream_prefix(spec, role),
            },
        },
    }
    if role == "scheduler":
        container["portMappings"] = [
            {"containerPort": port, "protocol": "tcp"} for port in (spec.scheduler.port, spec.scheduler.dashboard_port)
        ]
        container["healthCheck"] = health_check(port=spec.scheduler.port)
    else:
        container["stopTimeout"] = WORKER_STOP_TIMEOUT
        if spec.worker.gpu:
            container["resourceRequirements"] = [{"type": "GPU", "value": str(spec.worker.gpu)}]
    return {
        "networkMode": "awsvpc",
        "requiresCompatibilities": [spec.launch_type],
        "cpu": str(shape.cpu_units),
        "memory": str(shape.memory_mib),
        "executionRoleArn": execution_role,
        "taskRoleArn": task_role,
        "runtimePlatform": {"cpuArchitecture": spec.cpu_architecture, "operatingSystemFamily": "LINUX"},
        "containerDefinitions": [container],
    }


def environment(spec: DaskClusterSpec, role: Role) -> list[dict[str, str]]:
    """Return the variables of a role: those of the whole cluster, then the role's own, which win."""
    own = spec.scheduler.environment if role == "scheduler" else spec.worker.environment
    merged = {variable.name: variable.value for variable in (*spec.environment, *own)}
    if role == "worker":
        merged |= commands.worker_environment(gpu=spec.worker.gpu, preload=worker_preload())
    return [{"name": name, "value": value} for name, value in merged.items()]


def stream_prefix(spec: DaskClusterSpec, role: Role) -> str:
    """Return the prefix of a role's log streams; the container's name and the task's id follow it."""
    return spec.logs.stream_prefix or role


def log_stream(spec: DaskClusterSpec, role: Role, task_id: str) -> str:
    """Return the name of a task's log stream (AWS: "Using the awslogs log driver")."""
    return f"{stream_prefix(spec, role)}/{role}/{task_id}"


def health_check(*, port: int) -> dict[str, Any]:
    """Return how ECS asks whether the scheduler listens; the operator needs it where it can not reach the scheduler.

    Every Dask image has Python, not every one has a shell tool that connects. Times are seconds.
    """
    program = f"import socket; socket.create_connection(('localhost', {port}), 4).close()"
    return {"command": ["CMD", "python", "-c", program], "interval": 10, "timeout": 5, "retries": 3, "startPeriod": 120}
