"""What a tenant names on AWS, set against what the operator's owner admits."""

from __future__ import annotations

import dataclasses
import fnmatch
import ipaddress
from typing import TYPE_CHECKING

from dask_ecs.plan import names, run_task_overrides, secrets, volumes
from dask_ecs.plan.observed import ROLES
from dask_ecs.plan.problems import NeedsUser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.settings import Settings
    from dask_ecs.plan.target import Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of thing by which a tenant would gain what it may do or holds."""

    reason: str
    """Of the condition that says so."""
    noun: str
    option: str
    """Of `dask-ecs run`, by which the owner admits some."""
    patterns: Callable[[Settings], tuple[str, ...]]
    """What is admitted: globs, or what else `admits` reads."""
    admits: Callable[[str, str], bool] = fnmatch.fnmatchcase
    """Whether a value is what a pattern admits."""
    instead: str = "Leave it out"
    """What the tenant can do without."""


ROLE = Kind(
    reason="RoleNotAllowed",
    noun="role",
    option="--allow-role",
    patterns=lambda settings: settings.allow_roles,
    instead="Leave it out to have one made",
)
TASK_ROLE_POLICY = Kind(
    reason="PolicyNotAllowed",
    noun="policy",
    option="--allow-task-role-policy",
    patterns=lambda settings: settings.allow_task_role_policies,
)
SECRET = Kind(
    reason="SecretNotAllowed",
    noun="secret",
    option="--allow-secret",
    patterns=lambda settings: settings.allow_secrets,
)
TASK_DEFINITION = Kind(
    reason="TaskDefinitionNotAllowed",
    noun="task definition",
    option="--allow-task-definition",
    patterns=lambda settings: settings.allow_task_definitions,
    instead="Leave it out to have one made",
)
HOST_PATH = Kind(
    reason="HostPathNotAllowed",
    noun="host path",
    option="--allow-host-path",
    patterns=lambda settings: settings.allow_host_paths,
    instead="Use a volume of EFS, or one without host and dockerVolumeConfiguration",
)
INSTANCE_PROFILE = Kind(
    reason="InstanceProfileNotAllowed",
    noun="instance profile",
    option="--allow-instance-profile",
    patterns=lambda settings: settings.allow_instance_profiles,
    instead="Leave it out to have one made",
)
SCHEDULER = Kind(
    reason="SchedulerNotAllowed",
    noun="scheduler",
    option="--allow-scheduler",
    patterns=lambda settings: settings.allow_schedulers,
)
NETWORK = Kind(
    reason="NetworkNotAllowed",
    noun="network",
    option="--allow-network",
    patterns=lambda settings: settings.allow_networks,
)
SECURITY_GROUP = Kind(
    reason="SecurityGroupNotAllowed",
    noun="security group",
    option="--allow-security-group",
    patterns=lambda settings: settings.allow_security_groups,
    instead="Leave it out to have one made",
)
ECS_CLUSTER = Kind(
    reason="EcsClusterNotAllowed",
    noun="ECS cluster",
    option="--allow-ecs-cluster",
    patterns=lambda settings: settings.allow_ecs_clusters,
    instead="Leave it out to have one made",
)
LOG_GROUP = Kind(
    reason="LogGroupNotAllowed",
    noun="log group",
    option="--allow-log-group",
    patterns=lambda settings: settings.allow_log_groups,
    instead="Name one that it does",
)
FILE_SYSTEM = Kind(
    reason="FileSystemNotAllowed",
    noun="file system",
    option="--allow-file-system",
    patterns=lambda settings: settings.allow_file_systems,
)


def _is_within(cidr: str, admitted: str) -> bool:
    outer = ipaddress.ip_network(admitted)
    # A spec's ranges are of IPv4.
    return isinstance(outer, ipaddress.IPv4Network) and ipaddress.IPv4Network(cidr).subnet_of(outer)


CIDR = Kind(
    reason="CidrNotAllowed",
    noun="range",
    option="--allow-cidr",
    patterns=lambda settings: settings.allow_cidrs,
    admits=_is_within,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Named:
    """One thing that a spec names."""

    kind: Kind
    field: str
    """Below `spec`, as `iam.taskRoleArn`."""
    value: str


def admit(target: Target) -> None:
    """Check all that a tenant names.

    Raises:
        NeedsUser: something is not admitted.

    """
    _admit_setup(target)
    for it in named(target.cluster.spec):
        if it.kind is SECRET and names.is_of_install(
            it.value.partition(":secret:")[2], install=target.settings.install
        ):
            raise NeedsUser(
                it.kind.reason,
                f"spec.{it.field}: {it.value} is a secret of the operator's own: it holds the key of a namespace's CA, "
                "and is never admitted. Leave it out.",
            )
        if not _admits(target.settings, it.kind, it.value):
            raise NeedsUser(
                it.kind.reason,
                f"spec.{it.field}: the operator does not admit {it.kind.noun} {it.value}. {it.kind.instead}, "
                f"or ask the operator's owner to start it with {it.kind.option} '{it.value}'.",
            )


def _admit_setup(target: Target) -> None:
    """Check what runs on instances besides tasks, and who logs in to them: it has the instances' role."""
    capacity = target.cluster.spec.capacity
    if capacity is None or target.settings.allow_user_data:
        return
    given = {"userData": capacity.user_data, "ami": capacity.ami, "keyName": capacity.key_name}
    for field, value in given.items():
        if value:
            raise NeedsUser(
                "UserDataNotAllowed",
                f"spec.capacity.{field}: the operator does not admit what runs on instances besides tasks, nor who "
                "logs in to them. Leave it out, or ask the operator's owner to start it with --allow-user-data.",
            )


def external_scheduler(target: Target) -> str | None:
    """Return the address of the scheduler that runs elsewhere, if there is one that the operator may call."""
    address = target.cluster.spec.scheduler.address
    return address if address and _admits(target.settings, SCHEDULER, address) else None


def _admits(settings: Settings, kind: Kind, value: str) -> bool:
    return any(kind.admits(value, pattern) for pattern in kind.patterns(settings))


def named(spec: DaskClusterSpec) -> Iterator[Named]:
    """Return all that has to be admitted, in the order in which it is told."""
    for field, arn in (("executionRoleArn", spec.iam.execution_role_arn), ("taskRoleArn", spec.iam.task_role_arn)):
        if arn:
            yield Named(kind=ROLE, field=f"iam.{field}", value=arn)
    if spec.scheduler.address:
        yield Named(kind=SCHEDULER, field="scheduler.address", value=spec.scheduler.address)
    for field, arn in run_task_overrides.roles(spec):
        yield Named(kind=ROLE, field=field, value=arn)
    for arn in spec.iam.task_role_policies:
        yield Named(kind=TASK_ROLE_POLICY, field="iam.taskRolePolicies", value=arn)
    for role in ROLES:
        if arn := spec.role(role).task_definition_arn:
            yield Named(kind=TASK_DEFINITION, field=f"{role}.taskDefinitionArn", value=arn)
    for secret in secrets.named(spec):
        yield Named(kind=SECRET, field=secret.field, value=secret.arn)
    for index, volume in enumerate(spec.volumes):
        if path := volumes.on_the_instance(volume):
            yield Named(kind=HOST_PATH, field=f"volumes[{index}]", value=path)
        if efs := volume.efs_volume_configuration:
            field = f"volumes[{index}].efsVolumeConfiguration.fileSystemId"
            yield Named(kind=FILE_SYSTEM, field=field, value=efs.file_system_id)
    if spec.capacity and spec.capacity.instance_profile_arn:
        yield Named(
            kind=INSTANCE_PROFILE, field="capacity.instanceProfileArn", value=spec.capacity.instance_profile_arn
        )
    if spec.cluster_arn:
        yield Named(kind=ECS_CLUSTER, field="clusterArn", value=spec.cluster_arn)
    if spec.network.vpc_id:
        yield Named(kind=NETWORK, field="network.vpcId", value=spec.network.vpc_id)
    for place, where in (("network", spec.network), ("scheduler", spec.scheduler), ("worker", spec.worker)):
        yield from (Named(kind=NETWORK, field=f"{place}.subnets", value=subnet) for subnet in where.subnets)
        for group in where.security_groups:
            yield Named(kind=SECURITY_GROUP, field=f"{place}.securityGroups", value=group)
    for cidr in spec.network.allowed_cidrs:
        yield Named(kind=CIDR, field="network.allowedCidrs", value=cidr)
    yield Named(kind=LOG_GROUP, field="logs.group", value=spec.logs.group)
