"""What can be observed: the world as `plan` is told it, in frozen dataclasses."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping
from typing import Any, Literal

from dask_ecs.plan.action import Action, Result, Subject
from dask_ecs.plan.scheduler import SchedulerIdentity
from dask_ecs.plan.versions import SeenVersions

Role = Literal["scheduler", "worker"]
ROLES: tuple[Role, ...] = ("scheduler", "worker")

# The variables by which a task tells whose it is; RunTask's overrides carry them and DescribeTasks gives them back.
LAUNCH_VARIABLE = "DASK_ECS_LAUNCH"
SCHEDULER_VARIABLE = "DASK_SCHEDULER_ADDRESS"
PORTS_VARIABLE = "DASK_ECS_SCHEDULER_PORTS"
NAME_VARIABLE = "DASK_ECS_WORKER_NAME"
MARK_VARIABLE = "DASK_ECS_SPEC"
PROTOCOL_VARIABLE = "DASK_ECS_SCHEDULER_PROTOCOL"


STOPPED_BY_US = "dask-ecs-operator: "


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One ECS task of a cluster, as DescribeTasks tells it."""

    arn: str
    role: Role
    started_by: str
    task_definition_arn: str
    last_status: str
    desired_status: str
    version: int = 0
    launch_token: str | None = None
    scheduler_address: str | None = None  # of a worker: whose it is
    ports: tuple[int, int] | None = None  # of a scheduler: its own and its dashboard's, whatever the spec says by now
    worker_name: str | None = None  # of a worker that got one
    capacity_provider: str | None = None  # None: it runs by launch type
    container_instance: str | None = None  # None: it runs on Fargate, or has no place yet
    is_draining: bool = False  # its instance is to be emptied
    spec_mark: str | None = None  # what spec it runs; None: it does not tell
    protocol: str = "tcp"  # that a scheduler speaks
    image: str | None = None  # of Dask's container, as its definition names it
    image_digest: str | None = None  # once it is pulled, where ECS tells it
    private_ip: str | None = None
    health: str = "UNKNOWN"
    created_at: datetime.datetime
    started_at: datetime.datetime | None = None
    # When it was told to stop; while it has not: by ECS, else by when the operator first saw it so, which is no news.
    stopping_at: datetime.datetime | None = dataclasses.field(default=None, compare=False)
    stopped_at: datetime.datetime | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    exit_code: int | None = None
    container_reason: str | None = None
    log_tail: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The last part of the ARN: what people and ECS's console call the task by."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def address(self) -> str | None:
        """Where a scheduler listens, as `tcp://10.0.1.7:8786`, once its network interface is attached."""
        return f"{self.protocol}://{self.private_ip}:{self.ports[0]}" if self.private_ip and self.ports else None

    @property
    def is_live(self) -> bool:
        """Whether it is running or on its way there, and nobody has asked it to stop."""
        return self.desired_status != "STOPPED" and self.last_status != "STOPPED"

    @property
    def is_running(self) -> bool:
        """Whether its containers run and are meant to."""
        return self.is_live and self.last_status == "RUNNING"

    @property
    def is_stopped(self) -> bool:
        """Whether it has ended for good."""
        return self.last_status == "STOPPED"

    @property
    def was_stopped_by_others(self) -> bool:
        """Whether somebody else called StopTask for it: our calls begin with who made them."""
        return self.stop_code == "UserInitiated" and not (self.stopped_reason or "").startswith(STOPPED_BY_US)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SchedulerProbe:
    """What came of asking the scheduler at `address`: what it is, or why nobody knows."""

    address: str
    identity: SchedulerIdentity | None = None
    versions: SeenVersions | None = None
    error: str = ""
    was_healthy: bool = False
    """Whether it did not answer though ECS called it healthy: before that, it may not have been listening yet."""
    idle_since: datetime.datetime | None = None
    """Since when it has had no client and nothing to do; None while it has, or does not tell."""
    asked_at: datetime.datetime | None = dataclasses.field(default=None, compare=False)
    """When it was asked for the last answer, which is no news."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """Where the tasks go: subnets of one kind in one VPC."""

    vpc_id: str
    vpc_cidrs: tuple[str, ...]
    subnets: tuple[str, ...]
    assign_public_ip: bool | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class EcsCluster:
    """The ECS cluster that the tasks run in."""

    arn: str
    default_capacity_provider_strategy: bool = False
    """Whether tasks without a launch type go to instances that are scaled for them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskSize:
    """What a task takes of the instance that it runs on."""

    cpu_units: int
    """1024 = 1 vCPU."""
    memory_mib: int
    gpus: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class GivenDefinition:
    """A task definition that a user brings, as far as Dask's container in it is concerned."""

    arn: str
    container: str
    cpu_units: int | None
    """CPU units (1024 = 1 vCPU) that it has; None if the definition does not say."""
    memory_mib: int | None
    """Memory in MiB that it has; None if the definition does not say."""
    stop_timeout: int
    """Seconds from SIGTERM to SIGKILL."""
    variables: frozenset[str] = frozenset()
    """The names of its environment variables, those that are secrets too."""
    others_cpu_units: int | None = None
    """CPU units that the other containers take of the task's; None where Dask's has an amount of its own."""
    others_memory_mib: int | None = None
    """Memory in MiB that the other containers take of the task's; None where Dask's has an amount of its own."""
    size: TaskSize | None = None
    """What its tasks take, all their containers; None while nobody has asked AWS."""
    disk_gib: int | None = None
    """The ephemeral storage that it asks for, in GiB."""
    log_group: str | None = None
    """The log group of this region that its output goes to, in streams that begin with `log_prefix`, if it does."""
    log_prefix: str | None = None


# Failures in a row of what ends by itself, some twelve seconds, until somebody should know.
NEWS_AFTER = 7


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """What came of the actions done so far, by their fingerprint: an edit that changes an action asks for it anew."""

    answers: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    shared: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What came of those that were done for all clusters of the region."""
    recall: Callable[[Action[Any]], Any] | None = None
    """What the status says came of an action, as long as nothing speaks against it."""

    def answer(self, action: Action[Result]) -> Result | None:
        """Return what came of an action, None if it was not done, or has to be done again."""
        fingerprint = action.fingerprint
        answer: Result | None = self.answers.get(fingerprint)
        if answer is None and action.is_shared:
            answer = self.shared.get(fingerprint)
        if answer is None and self.recall:
            answer = self.recall(action)
        return answer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hold:
    """Something that AWS did not do: why, and when it is tried again."""

    subject: Subject
    reason: str
    message: str
    attempts: int
    retry_at: datetime.datetime
    generation: int
    waits_for_user: bool = False
    transient: bool = False
    """It ends by itself, as throttling does."""

    @property
    def is_news(self) -> bool:
        """Whether to tell the user; what ends by itself is no news until it has failed some times in a row."""
        return not self.transient or self.attempts >= NEWS_AFTER


@dataclasses.dataclass(frozen=True, kw_only=True)
class Launch:
    """A RunTask that was written ahead: its outcome is not known until its tasks are seen or AWS has refused it."""

    token: str
    role: Role
    count: int
    request_hash: str
    written_at: datetime.datetime
    capacity_provider: str | None = None
    """On what it runs them; None: by launch type."""
    worker_name: str | None = None
    """Of its only task, if that is a worker that gets one."""
    sent_until: datetime.datetime | None = None
    """Until when it may have been sent without a clear answer; None: it was not sent since it was written."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observed:
    """Everything that one pass of `plan` is told."""

    known: Known = Known()
    tasks: tuple[Task, ...] | None = None  # None until the tasks of the ECS cluster were listed once
    listed_at: datetime.datetime | None = None
    edited_at: datetime.datetime | None = None  # None: not since anybody has looked
    launches: tuple[Launch, ...] = ()
    probe: SchedulerProbe | None = None
    holds: Mapping[Subject, Hold] = dataclasses.field(default_factory=dict)
    looked_for: str | None = None
    """The last request to look at everything that was answered, by its annotation's value."""
    in_use: frozenset[str] = frozenset()
    """Of what was made for this cluster, what other clusters use too, as kind/name."""

    def of_role(self, role: Role) -> tuple[Task, ...]:
        """Return the tasks of one role, oldest first."""
        return tuple(sorted((t for t in self.tasks or () if t.role == role), key=lambda t: (t.created_at, t.arn)))
