"""Containers beside Dask's in each task: log routers, monitoring agents."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dask_ecs.api.container import (
    Arguments,
    Environment,
    HealthCheck,
    LogConfiguration,
    MountPoints,
    Options,
    Secrets,
    StopTimeout,
    Ulimits,
)
from dask_ecs.api.dependency_rules import MOST_SIDECARS
from dask_ecs.api.fields import (
    ATOMIC,
    ContainerName,
    ContainerPath,
    Image,
    Memory,
    Port,
    SecretsManagerArn,
    SharedCpu,
    keyed_by,
)
from dask_ecs.api.model import Model
from dask_ecs.api.quantity import parse_cpu, parse_memory
from dask_ecs.api.rules import Rule

MAIN_CONTAINERS = ("scheduler", "worker")
"""What Dask's own containers are called."""


class PortMapping(Model):
    """A port at which a container listens."""

    container_port: Port
    """The port."""

    protocol: Literal["tcp", "udp"] = "tcp"
    """tcp or udp."""


class Dependency(Model):
    """What a container waits for before it starts."""

    container_name: ContainerName
    """The other container of the task: another sidecar, or scheduler or worker."""

    condition: Literal["START", "COMPLETE", "SUCCESS", "HEALTHY"]
    """What it must have come to."""


class FirelensConfiguration(Model):
    """What makes a container the task's log router."""

    def __hash__(self) -> int:
        return hash((self.type, tuple(self.options.items())))

    type: Literal["fluentbit", "fluentd"]
    """Which router its image holds."""

    options: Options = Field(default_factory=dict)
    """What ECS tells the router, as config-file-type and config-file-value."""


class Sidecar(Model):
    """A container beside Dask's. The task goes on when it ends; it ends with the task."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"!(self.name in {list(MAIN_CONTAINERS)})",
            holds=lambda sidecar: sidecar.name not in MAIN_CONTAINERS,
            message="scheduler and worker are Dask's own containers: give the sidecar another name",
            field=".name",
        ),
    )

    name: ContainerName
    """What the container is called."""

    image: Image
    """Its image."""

    image_credentials: SecretsManagerArn | None = None
    """ARN of the Secrets Manager secret with username and password of its image's registry, other than ECR. The
    operator's settings must admit it."""

    cpu: SharedCpu = "0"
    """vCPUs that it has a claim to when the task's are short, as 250m; Dask's threads leave it as many whole ones."""

    memory: Memory = "256Mi"
    """Memory that it can use at most, as 256Mi; Dask's memory limit leaves it that much."""

    entry_point: Arguments = ()
    """Replaces the image's entry point."""

    command: Arguments = ()
    """Replaces the image's command."""

    environment: Environment = ()
    """Its environment variables."""

    secrets: Secrets = ()
    """Environment variables whose values ECS reads from Secrets Manager or Parameter Store. The operator's settings
    must admit them."""

    mount_points: MountPoints = ()
    """Where it sees which of spec.volumes."""

    port_mappings: Annotated[tuple[PortMapping, ...], Field(max_length=10, json_schema_extra=ATOMIC)] = ()
    """Ports at which it listens."""

    depends_on: Annotated[tuple[Dependency, ...], Field(max_length=6, json_schema_extra=keyed_by("containerName"))] = ()
    """What it waits for before it starts; HEALTHY needs the other's healthCheck, which the scheduler has by itself."""

    health_check: HealthCheck | None = None
    """How ECS asks whether it does well."""

    log_configuration: LogConfiguration | None = None
    """Where its output goes; by default to spec.logs, as Dask's does."""

    firelens_configuration: FirelensConfiguration | None = None
    """Makes it the task's log router."""

    ulimits: Ulimits = ()
    """Limits of its processes. On FARGATE only nofile."""

    stop_timeout: StopTimeout | None = None
    """Seconds from SIGTERM to SIGKILL, on FARGATE up to 120; by default 30."""

    start_timeout: StopTimeout | None = None
    """Seconds that what it depends on may take, on FARGATE up to 120."""

    user: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """As whom it runs, as uid:gid; by default as the image says."""

    working_directory: ContainerPath | None = None
    """Where it runs; by default as the image says."""

    readonly_root_filesystem: bool = False
    """Whether it can not write to its root file system."""

    @property
    def cpu_units(self) -> int:
        """CPU units (1024 = 1 vCPU) that it has a claim to."""
        return parse_cpu(self.cpu)

    @property
    def memory_mib(self) -> int:
        """Memory in MiB that it can use."""
        return parse_memory(self.memory)


Sidecars = Annotated[tuple[Sidecar, ...], Field(max_length=MOST_SIDECARS, json_schema_extra=keyed_by("name"))]
