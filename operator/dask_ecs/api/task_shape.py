"""What scheduler and workers have alike: the shape of their tasks, one role's apart from the other's."""

import math

from dask_ecs.api.container import (
    Environment,
    HealthCheck,
    LogConfiguration,
    MountPoint,
    MountPoints,
    Secrets,
    StopTimeout,
    Ulimits,
)
from dask_ecs.api.fields import EphemeralStorage, Image, SharedMemory, TaskDefinitionArn
from dask_ecs.api.model import Model
from dask_ecs.api.quantity import parse, parse_memory
from dask_ecs.api.sidecar import Sidecars


class TaskShape(Model):
    """The shape of one role's tasks."""

    task_definition_arn: TaskDefinitionArn | None = None
    """ARN of a task definition to run in place of one that is made, with its revision; it is never changed. Its
    container is the one named as the role, else the first essential one; command, cpu and memory limits for Dask follow
    from it. What else of the spec goes into definitions is not used for it. The operator's settings must admit it."""

    image: Image | None = None
    """Container image of this role alone; by default spec.image."""

    environment: Environment = ()
    """Environment variables of this role alone; they win over spec.environment and spec.secrets."""

    secrets: Secrets = ()
    """Environment variables of this role alone whose values ECS reads from Secrets Manager or Parameter Store; they win
    over all others of the same name. The operator's settings must admit them."""

    ephemeral_storage: EphemeralStorage | None = None
    """Disk of each task, image included, as 100Gi; by default Fargate's 20Gi. launchType FARGATE only."""

    mount_points: MountPoints = ()
    """Where the containers see which of spec.volumes."""

    shared_memory: SharedMemory | None = None
    """Size of /dev/shm, as 2Gi; by default 64Mi. launchType EC2 only."""

    ulimits: Ulimits = ()
    """Limits of the container's processes; nofile is 65535 unless given. On FARGATE only nofile."""

    stop_timeout: StopTimeout | None = None
    """Seconds from SIGTERM to SIGKILL, on FARGATE up to 120; by default 30 for the scheduler and 120 for workers, which
    move their results elsewhere meanwhile."""

    health_check: HealthCheck | None = None
    """How ECS asks whether the container does well; by default whether the scheduler listens, nothing of workers."""

    log_configuration: LogConfiguration | None = None
    """Where the container's output goes; by default to spec.logs."""

    sidecars: Sidecars = ()
    """Containers beside Dask's in each task, within its cpu and memory: log routers, monitoring agents."""

    @property
    def sidecar_cpu_units(self) -> int:
        """CPU units (1024 = 1 vCPU) of the task that sidecars have a claim to."""
        return sum(sidecar.cpu_units for sidecar in self.sidecars)

    @property
    def all_mount_points(self) -> tuple[MountPoint, ...]:
        """Those of the main container and of the sidecars."""
        return (*self.mount_points, *(point for sidecar in self.sidecars for point in sidecar.mount_points))

    @property
    def sidecar_memory_mib(self) -> int:
        """MiB of the task's memory that sidecars can use."""
        return sum(sidecar.memory_mib for sidecar in self.sidecars)

    @property
    def ephemeral_storage_gib(self) -> int | None:
        """Disk in whole GiB, a fraction rounded up."""
        return math.ceil(parse(self.ephemeral_storage) / 2**30) if self.ephemeral_storage else None

    @property
    def shared_memory_mib(self) -> int | None:
        """Size of /dev/shm in MiB."""
        return parse_memory(self.shared_memory) if self.shared_memory else None
