"""What a role's tasks can not have where they run, and how their parts have to fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dask_ecs.api.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dask_ecs.api.container import LogConfiguration, MountPoint
    from dask_ecs.api.sidecar import Sidecar
    from dask_ecs.api.spec import DaskClusterSpec, Scheduler, Worker
    from dask_ecs.api.status import Role

# AWS: "Amazon ECS task definition parameters for Fargate", stopTimeout and startTimeout. In seconds.
FARGATE_TIMEOUT = 120

IN_DEFINITIONS = (
    "image",
    "secrets",
    "ephemeralStorage",
    "mountPoints",
    "sharedMemory",
    "ulimits",
    "stopTimeout",
    "healthCheck",
    "logConfiguration",
    "sidecars",
)
"""A role's fields that go into its task definition and nowhere else."""

# The same page, logConfiguration; awslogs is not written here, for spec.logs stands for it.
FARGATE_LOG_DRIVERS = ("awsfirelens", "splunk")

_NO_ULIMITS = "Fargate has no ulimit but nofile: remove the others, or set launchType: EC2"
_NO_LONG_STOP = f"Fargate waits {FARGATE_TIMEOUT} seconds at most: lower it, or set launchType: EC2"
_NO_DRIVER = "Fargate sends logs by awsfirelens, by splunk, or to spec.logs: name one of these, or set launchType: EC2"
_NO_INSTANCES = (
    "Fargate has no instances to mount from: remove host or dockerVolumeConfiguration from the volume, "
    "or set launchType: EC2"
)
_NO_VOLUME = "sourceVolume is none of spec.volumes: add the volume there, or name one that is"
_NO_LOGS = (
    "no container sends its logs to the log router, which ECS refuses: set the role's logConfiguration to logDriver: "
    "awsfirelens, or remove firelensConfiguration"
)
_NO_ROUTER = "awsfirelens sends logs to the log router of the task: give one of its sidecars a firelensConfiguration"


def _refused(
    field: str,
    *,
    if_: str,
    by: Callable[[Scheduler | Worker], bool],
    message: str,
) -> Rule:
    """Return the rule on a role that a field of it, where it is there, is not what `if_` (CEL) and `by` say."""
    return Rule(
        cel=f"!has(self.{field}) || !({if_})",
        holds=lambda it: not by(it),
        message=message,
        field=f".{field}",
    )


def _leaves_some(field: Literal["cpu", "memory"]) -> Rule:
    """Return the rule that a role's sidecars do not take all of its cpu or memory."""

    def holds(it: Scheduler | Worker) -> bool:
        if field == "memory":
            return it.sidecar_memory_mib < it.memory_mib
        return it.sidecar_cpu_units < it.cpu_units

    total = f"string(self.{field})"
    return Rule(
        # What is no quantity is refused by the fields' own rules.
        cel=f"!has(self.sidecars) || !isQuantity({total})"
        f" || self.sidecars.exists(it, !isQuantity(string(it.{field})))"
        f" || self.sidecars.map(it, quantity(string(it.{field})).asApproximateFloat()).sum()"
        f" < quantity({total}).asApproximateFloat()",
        holds=holds,
        message=f"the sidecars leave Dask nothing of the task's {field}: raise it, or lower the sidecars'",
        field=".sidecars",
    )


_FIRELENS = ".logConfiguration.logDriver == 'awsfirelens'"
_WITHOUT_ROUTER = "(!has(self.sidecars) || !self.sidecars.exists(it, has(it.firelensConfiguration)))"

# Every write of a status has the API server evaluate every rule, and each field that a rule reads costs the more the
# more fields stand beside it. So a rule stands as deep as it can, and asks first for what is seldom there.
ROLE_RULES = (
    _refused(
        "taskDefinitionArn",
        if_=" || ".join(f"has(self.{name})" for name in IN_DEFINITIONS),
        by=lambda it: it.task_definition_arn is not None and bool(_given(it) & set(IN_DEFINITIONS)),
        message="with taskDefinitionArn no task definition is made that these could go into: remove it, or "
        + ", ".join(IN_DEFINITIONS),
    ),
    _refused(
        "logConfiguration",
        if_=f"self{_FIRELENS} && {_WITHOUT_ROUTER}",
        by=lambda it: _driver(it.log_configuration) == "awsfirelens" and not _has_router(it),
        message=_NO_ROUTER,
    ),
    _refused(
        "sidecars",
        if_=f"self.sidecars.exists(sidecar, has(sidecar.logConfiguration) && sidecar{_FIRELENS}) && {_WITHOUT_ROUTER}",
        by=lambda it: (
            not _has_router(it) and any(_driver(sidecar.log_configuration) == "awsfirelens" for sidecar in it.sidecars)
        ),
        message=_NO_ROUTER,
    ),
    # ECS developer guide, "Send Amazon ECS logs to an AWS service": one router, and somebody who uses it.
    _refused(
        "sidecars",
        if_="self.sidecars.exists(it, has(it.firelensConfiguration))"
        f" && !(has(self.logConfiguration) && self{_FIRELENS})"
        f" && !self.sidecars.exists(it, has(it.logConfiguration) && it{_FIRELENS})",
        by=lambda it: (
            _has_router(it) and "awsfirelens" not in {_driver(each.log_configuration) for each in (it, *it.sidecars)}
        ),
        message=_NO_LOGS,
    ),
    _refused(
        "sidecars",
        if_="self.sidecars.filter(it, has(it.firelensConfiguration)).size() > 1",
        by=lambda it: sum(sidecar.firelens_configuration is not None for sidecar in it.sidecars) > 1,
        message="a task has one log router: keep the firelensConfiguration of one sidecar",
    ),
    _leaves_some("memory"),
    _leaves_some("cpu"),
)
"""On a role alone."""


def shape_rules(role: Role) -> tuple[Rule, ...]:
    """Return the rules on the spec for one of its two roles, by its launch type and the spec's volumes."""
    own = f"self.{role}"

    def refused(
        field: str,
        *,
        if_: str,
        by: Callable[[DaskClusterSpec, Scheduler | Worker], bool],
        message: str,
        on: str | None = None,
    ) -> Rule:
        """Return the rule that a field of the role, where it is there, is not what `if_` (CEL) and `by` say."""
        elsewhere = f" || {own}.?launchType.orValue(self.launchType) != '{on}'" if on else ""
        return Rule(
            cel=f"!has({own}.{field}){elsewhere} || !({if_})",
            holds=lambda spec: on not in (None, spec.launch_type_of(role)) or not by(spec, spec.role(role)),
            message=message,
            field=f".{role}.{field}",
        )

    def of_sidecars(*, any_: str, by: Callable[[Sidecar], bool], message: str, on: str | None = None) -> Rule:
        """Return the rule that no sidecar is what `any_` (CEL, of `sidecar`) and `by` say."""
        return refused(
            "sidecars",
            if_=f"{own}.sidecars.exists(sidecar, {any_})",
            by=lambda _, it: any(map(by, it.sidecars)),
            message=message,
            on=on,
        )

    drivers = list(FARGATE_LOG_DRIVERS)
    return (
        refused(
            "sharedMemory",
            if_="true",
            by=lambda _, it: it.shared_memory is not None,
            message="Fargate has no shared memory to size: remove sharedMemory, or set launchType: EC2",
            on="FARGATE",
        ),
        refused(
            "ephemeralStorage",
            if_="true",
            by=lambda _, it: it.ephemeral_storage is not None,
            message="on EC2 tasks have their instance's disk: remove ephemeralStorage, or set launchType: FARGATE",
            on="EC2",
        ),
        refused(
            "ulimits",
            if_=f"{own}.ulimits.exists(limit, limit.name != 'nofile')",
            by=lambda _, it: any(limit.name != "nofile" for limit in it.ulimits),
            message=_NO_ULIMITS,
            on="FARGATE",
        ),
        of_sidecars(
            any_="has(sidecar.ulimits) && sidecar.ulimits.exists(limit, limit.name != 'nofile')",
            by=lambda it: any(limit.name != "nofile" for limit in it.ulimits),
            message=_NO_ULIMITS,
            on="FARGATE",
        ),
        refused(
            "stopTimeout",
            if_=f"{own}.stopTimeout > {FARGATE_TIMEOUT}",
            by=lambda _, it: (it.stop_timeout or 0) > FARGATE_TIMEOUT,
            message=_NO_LONG_STOP,
            on="FARGATE",
        ),
        of_sidecars(
            any_=f"has(sidecar.stopTimeout) && sidecar.stopTimeout > {FARGATE_TIMEOUT}"
            f" || has(sidecar.startTimeout) && sidecar.startTimeout > {FARGATE_TIMEOUT}",
            by=lambda it: max(it.stop_timeout or 0, it.start_timeout or 0) > FARGATE_TIMEOUT,
            message=_NO_LONG_STOP,
            on="FARGATE",
        ),
        refused(
            "logConfiguration",
            if_=f"!({own}.logConfiguration.logDriver in {drivers})",
            by=lambda _, it: _driver(it.log_configuration) not in (None, *FARGATE_LOG_DRIVERS),
            message=_NO_DRIVER,
            on="FARGATE",
        ),
        of_sidecars(
            any_=f"has(sidecar.logConfiguration) && !(sidecar.logConfiguration.logDriver in {drivers})",
            by=lambda it: _driver(it.log_configuration) not in (None, *FARGATE_LOG_DRIVERS),
            message=_NO_DRIVER,
            on="FARGATE",
        ),
        refused(
            "mountPoints",
            if_=f"{own}.mountPoints.exists(point, {_UNKNOWN})",
            by=lambda spec, it: bool(_sources(it.mount_points) - _names(spec)),
            message=_NO_VOLUME,
        ),
        refused(
            "sidecars",
            if_=f"{own}.sidecars.exists(sidecar, has(sidecar.mountPoints)"
            f" && sidecar.mountPoints.exists(point, {_UNKNOWN}))",
            by=lambda spec, it: bool(_sources(_of_sidecars(it)) - _names(spec)),
            message=_NO_VOLUME,
        ),
        refused(
            "mountPoints",
            if_=f"{own}.mountPoints.exists(point, {_ON_INSTANCE})",
            by=lambda spec, it: bool(_sources(it.mount_points) & _names_on_instances(spec)),
            message=_NO_INSTANCES,
            on="FARGATE",
        ),
        refused(
            "sidecars",
            if_=f"{own}.sidecars.exists(sidecar, has(sidecar.mountPoints)"
            f" && sidecar.mountPoints.exists(point, {_ON_INSTANCE}))",
            by=lambda spec, it: bool(_sources(_of_sidecars(it)) & _names_on_instances(spec)),
            message=_NO_INSTANCES,
            on="FARGATE",
        ),
    )


def _given(it: Scheduler | Worker) -> set[str | None]:
    """Return the names of the fields that are there, as in JSON."""
    return {type(it).model_fields[name].alias for name in it.model_fields_set}


# Of a mount point `point`, whatever container it is of.
_UNKNOWN = "!has(self.volumes) || !self.volumes.exists(volume, volume.name == point.sourceVolume)"
_ON_INSTANCE = (
    "has(self.volumes) && self.volumes.exists(volume, volume.name == point.sourceVolume"
    " && (has(volume.host) || has(volume.dockerVolumeConfiguration)))"
)


def _driver(configuration: LogConfiguration | None) -> str | None:
    return configuration.log_driver if configuration else None


def _has_router(it: Scheduler | Worker) -> bool:
    return any(sidecar.firelens_configuration for sidecar in it.sidecars)


def _of_sidecars(it: Scheduler | Worker) -> Iterator[MountPoint]:
    return (point for sidecar in it.sidecars for point in sidecar.mount_points)


def _sources(points: Iterator[MountPoint] | tuple[MountPoint, ...]) -> set[str]:
    return {point.source_volume for point in points}


def _names(spec: DaskClusterSpec) -> set[str]:
    return {volume.name for volume in spec.volumes}


def _names_on_instances(spec: DaskClusterSpec) -> set[str]:
    return {volume.name for volume in spec.volumes if volume.host or volume.docker_volume_configuration}
