"""What can be done: small frozen dataclasses that print as a person would say them."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Mapping
from typing import Any, ClassVar

from dask_ecs.plan import names
from dask_ecs.plan.action import Action, Result, Subject
from dask_ecs.plan.certificate import Certificate
from dask_ecs.plan.made import Kind, Made
from dask_ecs.plan.observed import EcsCluster, GivenDefinition, Launch, Network, Role
from dask_ecs.plan.security_group import Rule


@dataclasses.dataclass(frozen=True, kw_only=True)
class SharedAction(Action[Result]):
    """What need be done once only, however many clusters ask for the same."""

    @property
    def is_shared(self) -> bool:
        """See `Action`."""
        return True


@dataclasses.dataclass(frozen=True, kw_only=True)
class OnThing(Action[Result]):
    """What makes, changes or deletes one made thing."""

    kind: ClassVar[Kind]
    name: str

    @property
    def thing(self) -> str:
        """See `Action`."""
        return str(Made(self.kind, self.name))


@dataclasses.dataclass(frozen=True, kw_only=True)
class IdentifyAccount(SharedAction[str]):
    """Ask whose credentials these are."""

    subject: Subject = "account"

    def __str__(self) -> str:
        return "look up the AWS account"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResolveNetwork(Action[Network]):
    """Find the VPC and its subnets."""

    subject: Subject = "network"
    vpc_id: str | None
    subnets: tuple[str, ...]
    assign_public_ip: bool | None
    fargate: bool
    zones: tuple[str, ...] = ()
    frozen: Network | None = dataclasses.field(default=None, compare=False)
    field: str = dataclasses.field(default="spec.network.subnets", compare=False)
    """Of the spec, that names the subnets or could."""

    @property
    def is_shared(self) -> bool:
        """See `Action`; what was resolved for one cluster before stays that cluster's."""
        return self.frozen is None

    def __str__(self) -> str:
        return f"find the subnets of {self.vpc_id or 'the default VPC'}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class UseEcsCluster(SharedAction[EcsCluster]):
    """Look at the ECS cluster that the user gave."""

    subject: Subject = "ecsCluster"
    arn: str

    def __str__(self) -> str:
        return f"use ECS cluster {self.arn}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class FindEcsCluster(Action[str]):
    """Look for the ECS cluster by name or ARN; its answer is the ARN, empty if there is none."""

    subject: Subject = "ecsCluster"
    cluster: str

    def __str__(self) -> str:
        return f"look for ECS cluster {self.cluster}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnsureEcsCluster(OnThing[EcsCluster], SharedAction[EcsCluster]):
    """Create the ECS cluster, or find it."""

    kind: ClassVar[Kind] = "ecs-cluster"
    subject: Subject = "ecsCluster"
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"make ECS cluster {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class AssociateCapacityProviders(OnThing[bool], SharedAction[bool]):
    """Let tasks of the ECS cluster that is made run on these capacity providers, besides those that it has.

    All at once: the call replaces the whole set, so that two of them side by side would undo each other.
    """

    kind: ClassVar[Kind] = "ecs-cluster"
    subject: Subject = "ecsCluster"
    arn: str
    providers: tuple[str, ...]
    groups: tuple[str, ...] = ()
    """ARNs of the groups that they scale: a provider whose group is made anew is made anew too."""

    def __str__(self) -> str:
        return f"let ECS cluster {self.name} run tasks on {', '.join(self.providers)}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnsureRole(OnThing[str], SharedAction[str]):
    """Create an IAM role, or find it, and give it its policies."""

    kind: ClassVar[Kind] = "iam-role"
    path: str
    trust: Mapping[str, Any]
    inline_policy: Mapping[str, Any] | None
    attached_policies: tuple[str, ...] = ()
    permissions_boundary: str | None = None
    tags: Mapping[str, str]

    @functools.cached_property
    def fingerprint(self) -> str:
        """See `Action`; the name tells all that it holds."""
        return names.short_hash(type(self).__name__, self.name, repr(self.tags))

    def __str__(self) -> str:
        return f"make IAM role {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnsureSecurityGroup(OnThing[str], SharedAction[str]):
    """Create the security group, or find it, and give it exactly these rules."""

    kind: ClassVar[Kind] = "security-group"
    subject: Subject = "securityGroup"
    vpc_id: str
    rules: tuple[Rule, ...]
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"make security group {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnsureLogGroup(OnThing[str], SharedAction[str]):
    """Create the log group if it is not there; one that is there is left as it is."""

    kind: ClassVar[Kind] = "log-group"
    subject: Subject = "logGroup"
    retention_days: int
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"make log group {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegisterTaskDefinition(OnThing[str], SharedAction[str]):
    """Register a task definition, or find the revision that holds the same."""

    kind: ClassVar[Kind] = "task-definition"
    request: Mapping[str, Any]

    @functools.cached_property
    def fingerprint(self) -> str:
        """See `Action`; the name tells all that it holds."""
        return names.short_hash(
            type(self).__name__, self.name, self.request["executionRoleArn"], repr(self.request["tags"])
        )

    def __str__(self) -> str:
        return f"register task definition {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class UseTaskDefinition(SharedAction[GivenDefinition]):
    """Look at the task definition that the user gave for a role."""

    arn: str
    role: Role

    def __str__(self) -> str:
        return f"use task definition {self.arn}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunTasks(Action[None]):
    """Run up to ten identical tasks. It is written ahead in the status before AWS is asked."""

    launch: Launch
    request: Mapping[str, Any]

    def __str__(self) -> str:
        what = self.launch.role if self.launch.count == 1 else f"{self.launch.count} {self.launch.role}s"
        return f"run {what}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForgetLaunch(Action[None]):
    """Strike a written-ahead launch: its tasks are seen, or it is sure that there are none."""

    token: str
    why: str

    def __str__(self) -> str:
        return f"forget launch {self.token}: {self.why}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class StopTask(Action[None]):
    """Stop one task."""

    subject: Subject = "stop"
    ecs_cluster: str
    task_arn: str
    why: str

    def __str__(self) -> str:
        return f"stop task {self.task_arn.rsplit('/', 1)[-1]}: {self.why}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TerminateScheduler(Action[datetime.datetime]):
    """Ask the scheduler to close its workers and end; its answer is the moment when it was asked."""

    subject: Subject = "terminate"
    scheduler_address: str
    task_arn: str
    """Its task: another scheduler at the same address has to be asked anew."""
    certificate: Certificate | None = dataclasses.field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"ask the scheduler at {self.scheduler_address} to end, and its workers with it"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RetireWorkers(Action[None]):
    """Let the scheduler choose and retire `count` of the workers in `tasks` (ARNs by host), then stop these."""

    subject: Subject = "scaleDown"
    ecs_cluster: str
    scheduler_address: str
    certificate: Certificate | None = dataclasses.field(default=None, compare=False, repr=False)
    count: int
    tasks: Mapping[str, str]
    why: str

    def __str__(self) -> str:
        return f"retire {self.count} of {len(self.tasks)} workers: {self.why}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeregisterTaskDefinition(OnThing[bool]):
    """Deregister every revision of a family."""

    kind: ClassVar[Kind] = "task-definition"
    subject: Subject = "schedulerDefinition"
    first: str | None = dataclasses.field(default=None, compare=False)
    """The ARN of its first revision, where that is the newest that is known."""

    def __str__(self) -> str:
        return f"deregister task definition {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeleteRole(OnThing[bool]):
    """Delete an IAM role that we made, with its policies."""

    kind: ClassVar[Kind] = "iam-role"
    tags: Mapping[str, str]
    has_policy: bool = False
    """Whether it was made with a policy of its own, so that this has to go first."""

    def __str__(self) -> str:
        return f"delete IAM role {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeleteSecurityGroup(OnThing[bool]):
    """Delete a security group that we made."""

    kind: ClassVar[Kind] = "security-group"
    subject: Subject = "securityGroup"
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"delete security group {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReviseSecurityGroup(OnThing[bool]):
    """Take from a security group what only this cluster asked of it; others use it on."""

    kind: ClassVar[Kind] = "security-group"
    subject: Subject = "securityGroup"
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"take this cluster's rules from security group {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeleteLogGroup(OnThing[bool]):
    """Delete a log group that we made, with all that it holds."""

    kind: ClassVar[Kind] = "log-group"
    subject: Subject = "logGroup"
    account_id: str
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"delete log group {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeleteEcsCluster(OnThing[bool]):
    """Delete an ECS cluster that we made."""

    kind: ClassVar[Kind] = "ecs-cluster"
    subject: Subject = "ecsCluster"
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"delete ECS cluster {self.name}"
