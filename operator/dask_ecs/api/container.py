"""What a container is told and given, as ECS's container definitions have it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dask_ecs.api.fields import ATOMIC, ContainerPath, EnvironmentName, SecretReference, VolumeName, keyed_by
from dask_ecs.api.model import Model
from dask_ecs.api.rules import Rule


class EnvironmentVariable(Model):
    """An environment variable of a container."""

    name: EnvironmentName
    """The variable's name."""

    value: Annotated[str, Field(max_length=4096)] = ""
    """The variable's value, in plain text: what is secret belongs into secrets."""


class Secret(Model):
    """An environment variable whose value ECS reads when the task starts."""

    name: EnvironmentName
    """The variable's name."""

    value_from: SecretReference
    """ARN of the Secrets Manager secret or Parameter Store parameter that holds the value."""


class MountPoint(Model):
    """Where a container sees a volume."""

    container_path: ContainerPath
    """Folder in the container, as /data."""

    source_volume: VolumeName
    """Name of the volume, one of spec.volumes."""

    read_only: bool = False
    """Whether the container can only read it."""


class Ulimit(Model):
    """A limit of the container's processes."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.hardLimit == -1 || self.softLimit != -1 && self.softLimit <= self.hardLimit",
            holds=lambda limit: limit.hard_limit == -1 or -1 != limit.soft_limit <= limit.hard_limit,
            message="softLimit is above hardLimit: lower it, or raise hardLimit",
            field=".softLimit",
        ),
    )

    # ECS API reference, Ulimit.
    name: Literal[
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ]
    """What is limited, as nofile for open files. On FARGATE only nofile."""

    soft_limit: Annotated[int, Field(ge=-1, le=2**31 - 1, json_schema_extra={"format": "int32"})]
    """The limit that holds until a process raises it; -1 is none."""

    hard_limit: Annotated[int, Field(ge=-1, le=2**31 - 1, json_schema_extra={"format": "int32"})]
    """Up to where a process may raise it; -1 is without end."""


# ECS API reference, HealthCheck, for the bounds.
class HealthCheck(Model):
    """How ECS asks whether a container does well."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.command.size() < 2 || self.command[0] in ['CMD', 'CMD-SHELL']",
            holds=lambda check: len(check.command) < 2 or check.command[0] in ("CMD", "CMD-SHELL"),
            message="the command begins with CMD, before a program and its arguments, or CMD-SHELL, before one line",
            field=".command",
        ),
    )

    command: Annotated[
        tuple[Annotated[str, Field(max_length=1024)], ...],
        Field(min_length=2, max_length=16, json_schema_extra=ATOMIC),
    ]
    """What is run in the container: CMD and arguments, or CMD-SHELL and one line. Exit code 0 is healthy."""

    interval: Annotated[int, Field(ge=5, le=300, json_schema_extra={"format": "int32"})] = 30
    """Seconds from one check to the next."""

    timeout: Annotated[int, Field(ge=2, le=60, json_schema_extra={"format": "int32"})] = 5
    """Seconds after which a check has failed."""

    retries: Annotated[int, Field(ge=1, le=10, json_schema_extra={"format": "int32"})] = 3
    """Failures in a row that make the container unhealthy."""

    start_period: Annotated[int, Field(ge=0, le=300, json_schema_extra={"format": "int32"})] = 0
    """Seconds after the start in which failures do not count."""


Options = Annotated[dict[str, Annotated[str, Field(max_length=1024)]], Field(max_length=20)]


class LogConfiguration(Model):
    """Where a container's output goes, if not to spec.logs."""

    def __hash__(self) -> int:
        return hash((self.log_driver, tuple(self.options.items()), self.secret_options))

    # ECS API reference, LogConfiguration; awslogs is what spec.logs stands for.
    log_driver: Literal["awsfirelens", "splunk", "fluentd", "gelf", "journald", "json-file", "syslog"]
    """The log driver; on FARGATE awsfirelens, for the sidecar with firelensConfiguration, or splunk."""

    options: Options = Field(default_factory=dict)
    """What the driver is told."""

    secret_options: Annotated[tuple[Secret, ...], Field(max_length=10, json_schema_extra=keyed_by("name"))] = ()
    """What the driver is told that ECS reads from Secrets Manager or Parameter Store. The operator's settings must
    admit it."""


Arguments = Annotated[
    tuple[Annotated[str, Field(max_length=1024)], ...], Field(max_length=64, json_schema_extra=ATOMIC)
]
Environment = Annotated[tuple[EnvironmentVariable, ...], Field(max_length=64, json_schema_extra=keyed_by("name"))]
Secrets = Annotated[tuple[Secret, ...], Field(max_length=20, json_schema_extra=keyed_by("name"))]
MountPoints = Annotated[tuple[MountPoint, ...], Field(max_length=10, json_schema_extra=keyed_by("containerPath"))]
Ulimits = Annotated[tuple[Ulimit, ...], Field(max_length=15, json_schema_extra=keyed_by("name"))]
# ECS API reference, ContainerDefinition: at most 120 seconds on Fargate; an hour is more than a task can need.
StopTimeout = Annotated[int, Field(ge=1, le=3600, json_schema_extra={"format": "int32"})]
