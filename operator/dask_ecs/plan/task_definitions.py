"""The task definitions of a cluster: what ECS is told of a scheduler and of a worker."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, Self

from dask_ecs.api.spec import Scheduler, Worker
from dask_ecs.plan import capacity, commands, log_stream, run_task_overrides, scratch, sidecars, variables, volumes
from dask_ecs.plan.certificate import with_certificate
from dask_ecs.plan.worker_preload import leave_seconds, worker_preload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dask_ecs.api.spec import Logs
    from dask_ecs.api.volumes import Volume
    from dask_ecs.plan.observed import GivenDefinition, Role
    from dask_ecs.plan.target import Target

# AWS: "Amazon ECS task definition parameters for Fargate", stopTimeout: at most 120 seconds. A worker needs it to move
# its results elsewhere; one that has none is gone at once.
WORKER_STOP_TIMEOUT = 120

# A scheduler has a connection or more to each worker and client; the default of 1024 (Fargate) is soon used up.
OPEN_FILES = 65535


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ingredients:
    """All that decides what the task definition of a role holds."""

    role: Role
    shape: Scheduler | Worker
    launch_type: str
    cpu_architecture: str
    variables: variables.Variables
    logs: Logs
    image: str
    image_credentials: str | None
    volumes: tuple[Volume, ...]
    certificate: str | None
    region: str

    @classmethod
    def of(cls, target: Target, role: Role, *, certificate: str | None, image: str | None = None) -> Self:
        """Take them from what is wanted.

        `certificate` is the secret that holds it, by ARN or by name; `image` is given where it is not the spec's.
        """
        spec = target.cluster.spec
        shape = spec.scheduler if role == "scheduler" else spec.worker
        return cls(
            role=role,
            shape=shape,
            launch_type=capacity.compatibility(spec, role),
            cpu_architecture=spec.cpu_architecture,
            variables=variables.of_role(spec, shape),
            logs=spec.logs,
            image=image or target.image_of(role),
            image_credentials=spec.image_credentials,
            volumes=spec.volumes,
            certificate=certificate,
            region=target.region,
        )


@functools.lru_cache(maxsize=4096)
def content(of: Ingredients, *, execution_role: str, task_role: str) -> Mapping[str, Any]:
    """Return RegisterTaskDefinition's parameters but for family and tags; the roles by ARN or by name.

    There is no command in it: that comes with RunTask, for a worker's holds the scheduler's address. So clusters that
    ask for the same have the same definition.
    """
    role, shape = of.role, of.shape
    container: dict[str, Any] = {
        "name": role,
        "image": of.image,
        "essential": True,
        **_variables(of).definition,
        "linuxParameters": _linux_parameters(shape),
        "ulimits": _ulimits(shape),
        "logConfiguration": _log_configuration(of),
    }
    if shape.sidecars:
        # A container without a share gets next to nothing where others have one.
        container["cpu"] = shape.cpu_units - shape.sidecar_cpu_units
    if of.image_credentials:
        container["repositoryCredentials"] = {"credentialsParameter": of.image_credentials}
    if isinstance(shape, Scheduler):
        container["portMappings"] = [
            {"containerPort": port, "protocol": "tcp"} for port in (shape.port, shape.dashboard_port)
        ]
        container["healthCheck"] = health_check(port=shape.port, dashboard_port=shape.dashboard_port)
    else:
        container["stopTimeout"] = WORKER_STOP_TIMEOUT
        if shape.gpu:
            container["resourceRequirements"] = [{"type": "GPU", "value": str(shape.gpu)}]
    if shape.stop_timeout:
        container["stopTimeout"] = shape.stop_timeout
    if shape.health_check:
        container["healthCheck"] = shape.health_check.model_dump(mode="json")
    if shape.mount_points:
        container["mountPoints"] = volumes.mount_points(shape.mount_points)
    task: dict[str, Any] = {
        "networkMode": "awsvpc",
        "requiresCompatibilities": [of.launch_type],
        "cpu": str(shape.cpu_units),
        "memory": str(shape.memory_mib),
        "executionRoleArn": execution_role,
        "taskRoleArn": task_role,
        "runtimePlatform": {"cpuArchitecture": of.cpu_architecture, "operatingSystemFamily": "LINUX"},
        "containerDefinitions": [container, *sidecars.definitions(shape.sidecars, logs=_awslogs(of))],
    }
    if mounted := volumes.definitions(of.volumes, shape.all_mount_points):
        task["volumes"] = mounted
    if shape.ephemeral_storage_gib:
        task["ephemeralStorage"] = {"sizeInGiB": shape.ephemeral_storage_gib}
    return task


def _log_configuration(of: Ingredients) -> dict[str, Any]:
    given = of.shape.log_configuration
    return given.model_dump(mode="json", exclude_defaults=True) if given else _awslogs(of)


def _awslogs(of: Ingredients) -> dict[str, Any]:
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": of.logs.group,
            "awslogs-region": of.region,
            "awslogs-stream-prefix": log_stream.prefix(of.logs, of.role),
        },
    }


def _linux_parameters(shape: Scheduler | Worker) -> dict[str, Any]:
    parameters: dict[str, Any] = {"initProcessEnabled": True}
    if shape.shared_memory_mib:
        parameters["sharedMemorySize"] = shape.shared_memory_mib
    return parameters


def _ulimits(shape: Scheduler | Worker) -> list[dict[str, Any]]:
    given = [limit.model_dump(mode="json") for limit in shape.ulimits]
    if any(limit.name == "nofile" for limit in shape.ulimits):
        return given
    return [{"name": "nofile", "softLimit": OPEN_FILES, "hardLimit": OPEN_FILES}, *given]


def plain_variables(
    target: Target, role: Role, *, given: GivenDefinition, certificate: str | None
) -> tuple[tuple[str, str], ...]:
    """Return a role's plain variables, for a task definition that a user brings."""
    disk = run_task_overrides.disk_gib(target.cluster.spec, role) or given.disk_gib
    return _variables(Ingredients.of(target, role, certificate=certificate), given, disk_gib=disk).plain


def advice_for_disk(target: Target, role: Role) -> tuple[tuple[str, str], ...]:
    """Return what a worker is told of a disk that runTaskOverrides give it, unless the user says that."""
    spec = target.cluster.spec
    if role == "scheduler" or (gib := run_task_overrides.disk_gib(spec, role)) is None:
        return ()
    asked = variables.of_role(spec, spec.worker)
    said = {name for name, _ in (*asked.plain, *asked.secret)}
    return tuple((name, value) for name, value in scratch.environment(gib=gib).items() if name not in said)


def _variables(
    of: Ingredients, given: GivenDefinition | None = None, *, disk_gib: int | None = None
) -> variables.Variables:
    """Return our advice, the variables that a user asks for, and ours that have to be, each winning over the former."""
    certified = with_certificate(of.variables, of.role, secret=of.certificate) if of.certificate else of.variables
    if not isinstance(of.shape, Worker):
        return certified
    default = scratch.FARGATE_GIB if of.launch_type == "FARGATE" else None
    known = given.variables if given else ()
    told = scratch.environment(gib=disk_gib or of.shape.ephemeral_storage_gib or default)
    advice = variables.Variables(plain=tuple((name, value) for name, value in told.items() if name not in known))
    asked = advice.and_then(plain=certified.plain, secret=certified.secret)
    return asked.and_then(plain=commands.worker_environment(gpu=of.shape.gpu, preload=preload(of.shape, given)).items())


def preload(worker: Worker, given: GivenDefinition | None = None) -> str:
    """Return the program for a worker's nanny, which leaves in the time that the worker has to stop."""
    stop_timeout = given.stop_timeout if given else worker.stop_timeout or WORKER_STOP_TIMEOUT
    return worker_preload(leave_seconds=leave_seconds(stop_timeout))


_HEALTH_CHECK = """\
import socket
try:
    dashboard = socket.create_connection(("localhost", {dashboard_port}), 3)
    dashboard.sendall(b"GET /health HTTP/1.0\\r\\n\\r\\n")
    assert b" 200 " in dashboard.recv(64)
except socket.timeout:
    raise
except (OSError, AssertionError):
    socket.create_connection(("localhost", {port}), 2).close()
"""


def health_check(*, port: int, dashboard_port: int) -> dict[str, Any]:
    """Return how ECS asks whether the scheduler listens; the operator needs it where it can not reach the scheduler.

    Dask's own page for that is asked first: the scheduler logs each connection that ends without Dask's handshake, and
    the kernel takes connections for one that hangs too. The port alone counts where there is no such page.
    Every Dask image has Python, not every one has a shell tool that connects. Times are seconds.
    """
    program = _HEALTH_CHECK.format(port=port, dashboard_port=dashboard_port)
    return {
        "command": ["CMD", "python", "-c", program],
        "interval": 10,
        "timeout": 5,
        "retries": 3,
        "startPeriod": 120,
    }
