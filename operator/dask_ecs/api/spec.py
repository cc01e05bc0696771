"""What a user asks for: DaskCluster.spec."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dask_ecs.api.capacity import Capacity
from dask_ecs.api.container import Arguments, Environment, Secrets
from dask_ecs.api.dependency_rules import dependency_rules
from dask_ecs.api.duration import IdleTimeout, Lifetime
from dask_ecs.api.fields import (
    SET,
    Cidr,
    ClusterArn,
    Cpu,
    Image,
    LogGroup,
    LogStreamPrefix,
    Memory,
    PlatformVersion,
    PolicyArn,
    Port,
    Region,
    RoleArn,
    SchedulerAddress,
    SecretsManagerArn,
    SecurityGroupId,
    SubnetId,
    VpcId,
)
from dask_ecs.api.launch_rules import SPOT_STANDS_ALONE
from dask_ecs.api.model import Model
from dask_ecs.api.quantity import parse_cpu, parse_memory
from dask_ecs.api.rules import Rule
from dask_ecs.api.service import Service
from dask_ecs.api.shape_rules import ROLE_RULES
from dask_ecs.api.spec_rules import (
    CLUSTER_RULES,
    DEFAULT_LOG_GROUP,
    EXTERNAL_SCHEDULER_STAYS_ONE,
    GIVEN_GROUPS_STAY_CLOSED,
    GIVEN_ROLE_KEEPS_ITS_POLICIES,
    PORTS_DIFFER,
    SHARED_GROUP_STAYS,
    immutable,
)
from dask_ecs.api.tags import Tags
from dask_ecs.api.task_launch import LaunchType, TaskLaunch
from dask_ecs.api.task_shape import TaskShape
from dask_ecs.api.tls import Tls
from dask_ecs.api.update_strategy import UpdateStrategy
from dask_ecs.api.volumes import Volumes

CpuArchitecture = Literal["X86_64", "ARM64"]
Isolation = Literal["namespace", "cluster"]

# CloudWatch Logs API reference, PutRetentionPolicy.
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


class Scheduler(TaskShape, TaskLaunch):
    """The Dask scheduler, one task."""

    rules: ClassVar[tuple[Rule, ...]] = (
        *ROLE_RULES,
        *dependency_rules("scheduler"),
        immutable("launchType", of="scheduler"),
        EXTERNAL_SCHEDULER_STAYS_ONE,
        PORTS_DIFFER,
    )

    address: SchedulerAddress | None = None
    """Address of a scheduler that runs elsewhere, as tcp://10.0.1.7:8786: then only workers are run, which join that
    one, and it is never stopped. All else that is said of the scheduler goes unused. It can be changed to another
    address, but not be added or removed."""

    cpu: Cpu = "1"
    """vCPUs of the scheduler's task: a number (1) or a quantity (500m); a fraction in quotes ("0.5")."""

    memory: Memory = "4Gi"
    """Memory of the scheduler's task, as 4Gi or 512Mi; a number without a unit is bytes."""

    port: Port = 8786
    """Port at which the scheduler listens for workers and clients."""

    dashboard_port: Port = 8787
    """Port at which the scheduler serves its dashboard."""

    idle_timeout: IdleTimeout = "5m"
    """After how long without a client, a kept result and anything to compute all tasks are ended; the object stays, and
    an edit or the annotation ecs.dask.org/wake starts the cluster again. 0s: never."""

    extra_args: Arguments = ()
    """Arguments appended to the command `dask scheduler`."""

    @property
    def cpu_units(self) -> int:
        """CPU units (1024 = 1 vCPU)."""
        return parse_cpu(self.cpu)

    @property
    def memory_mib(self) -> int:
        """Memory in MiB."""
        return parse_memory(self.memory)


class Naming(Model):
    """Which numbers workers have for names."""

    start: Annotated[int, Field(ge=0, le=1_000_000_000, json_schema_extra={"format": "int32"})] = 0
    """The first worker's name."""

    step: Annotated[int, Field(ge=1, le=1_000_000, json_schema_extra={"format": "int32"})] = 1
    """How much larger each next name is."""


class Worker(TaskShape, TaskLaunch):
    """The Dask workers, each one task."""

    rules: ClassVar[tuple[Rule, ...]] = (
        *ROLE_RULES,
        *dependency_rules("worker"),
        immutable("launchType", of="worker"),
        SPOT_STANDS_ALONE,
    )

    replicas: Annotated[int, Field(ge=0, le=10000, json_schema_extra={"format": "int32"})] = 0
    """How many workers to run; `kubectl scale` sets it."""

    cpu: Cpu = "4"
    """vCPUs of each worker's task: a number (4) or a quantity (500m); a fraction in quotes ("0.5")."""

    memory: Memory = "16Gi"
    """Memory of each worker's task, as 16Gi or 512Mi; a number without a unit is bytes."""

    # Amazon EC2 user guide, "Accelerated computing instances": no instance has more than 16 GPUs.
    gpu: Annotated[int, Field(ge=0, le=16, json_schema_extra={"format": "int32"})] = 0
    """GPUs of each worker; with any, workers run `dask-cuda-worker`. launchType EC2 only."""

    spot: bool | None = None
    """Whether workers run on spare capacity, which is cheaper and which AWS takes back at two minutes' notice: then
    each worker's results are moved and another is run. FARGATE_SPOT, with capacity Spot instances; the scheduler is
    never on Spot by this."""

    threads: Annotated[int, Field(ge=1, le=1024, json_schema_extra={"format": "int32"})] | None = None
    """Threads of each worker; by default as many as it has whole vCPUs, at least one."""

    naming: Naming | None = None
    """Names workers by numbers, start, start + step and so on; one that comes anew or takes another's place gets the
    first that is free. Then each is run by a call of its own. By default workers are alike, and Dask names them."""

    extra_args: Arguments = ()
    """Arguments appended to the command `dask worker` (or `dask-cuda-worker`)."""

    @property
    def cpu_units(self) -> int:
        """CPU units (1024 = 1 vCPU)."""
        return parse_cpu(self.cpu)

    @property
    def memory_mib(self) -> int:
        """Memory in MiB."""
        return parse_memory(self.memory)

    @property
    def thread_count(self) -> int:
        """Threads asked for, else one for each whole vCPU less those that sidecars reserve, at least one."""
        return self.threads or max(self.cpu_units // 1024 - self.sidecar_cpu_units // 1024, 1)


class Network(Model):
    """Where in AWS's network the tasks run, and who may reach them."""

    rules: ClassVar[tuple[Rule, ...]] = (GIVEN_GROUPS_STAY_CLOSED,)

    vpc_id: VpcId | None = None
    """VPC of the tasks; by default the region's default VPC. Immutable."""

    # ECS API reference, AwsVpcConfiguration: 16 subnets, 5 security groups.
    subnets: Annotated[tuple[SubnetId, ...], Field(max_length=16, json_schema_extra=SET)] = ()
    """Subnets of the tasks, all of the VPC; by default the VPC's subnets of one kind, public or private."""

    security_groups: Annotated[tuple[SecurityGroupId, ...], Field(max_length=5, json_schema_extra=SET)] = ()
    """Security groups of the tasks; by default one is made that admits the cluster itself and allowedCidrs."""

    assign_public_ip: bool | None = None
    """Whether tasks get a public address; by default where the subnets lead to an internet gateway. FARGATE only."""

    # Amazon VPC quotas: 60 inbound rules a security group; two ports take two rules a range.
    allowed_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=25, json_schema_extra=SET)] = ()
    """Who may reach scheduler and dashboard besides the cluster itself, as 10.0.0.0/16; by default the VPC. Beside
    scheduler.address: who may reach the workers, at any port; that scheduler has to."""


class Iam(Model):
    """With which permissions the tasks run; what is given here must be admitted by the operator's settings."""

    rules: ClassVar[tuple[Rule, ...]] = (GIVEN_ROLE_KEEPS_ITS_POLICIES,)

    execution_role_arn: RoleArn | None = None
    """Role with which ECS pulls the image and writes logs; by default one is made."""

    task_role_arn: RoleArn | None = None
    """Role that the code in the tasks has; by default one is made."""

    task_role_policies: Annotated[tuple[PolicyArn, ...], Field(max_length=20, json_schema_extra=SET)] = ()
    """Managed policies attached to the task role that is made."""


class Logs(Model):
    """Where the output of scheduler and workers goes in CloudWatch Logs."""

    rules: ClassVar[tuple[Rule, ...]] = (SHARED_GROUP_STAYS,)

    group: LogGroup = DEFAULT_LOG_GROUP
    """Log group; it is made if there is none."""

    stream_prefix: LogStreamPrefix | None = None
    """First part of the log streams' names; by default the role's name, scheduler or worker."""

    retention_days: RetentionDays = 30
    """For how many days a log group that is made keeps its logs."""

    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    """What becomes of a log group that was made for the namespace when the last of its users goes: it stays, or is
    deleted with all that it holds. The default group, and one made by others, always stays."""


class DaskClusterSpec(Model):
    """The Dask cluster that is wanted."""

    rules: ClassVar[tuple[Rule, ...]] = CLUSTER_RULES

    launch_type: LaunchType = "FARGATE"
    """On what ECS runs the tasks: FARGATE, or EC2 for instances, those of the cluster in clusterArn or those that are
    brought as capacity says; scheduler and worker can each have their own. Immutable."""

    image: Image | None = None
    """Container image of scheduler and workers; by default the operator's: of its own Dask version, or for
    workers with GPUs what the operator's owner says."""

    image_credentials: SecretsManagerArn | None = None
    """ARN of the Secrets Manager secret with username and password of the image's registry, other than ECR. The
    operator's settings must admit it."""

    region: Region | None = None
    """AWS region, as eu-west-1; by default the operator's. Immutable."""

    cluster_arn: ClusterArn | None = None
    """ARN of an existing ECS cluster to use, never deleted; by default one is made. Immutable."""

    capacity: Capacity | None = None
    """For launchType EC2 without clusterArn: the instances to bring while there are tasks for them. Implies isolation:
    cluster."""

    isolation: Isolation = "namespace"
    """Who shares what is made (roles, security group, ECS cluster, task definitions): all clusters of the namespace, or
    nobody. Immutable."""

    tls: Tls = Tls()
    """Encryption of the cluster's connections. Immutable."""

    cpu_architecture: CpuArchitecture = "X86_64"
    """CPU architecture of image and tasks."""

    platform_version: PlatformVersion = "LATEST"
    """Fargate's platform version."""

    scheduler: Scheduler = Scheduler()
    """The Dask scheduler, one task."""

    worker: Worker = Worker()
    """The Dask workers, each one task."""

    environment: Environment = ()
    """Environment variables of scheduler and workers."""

    secrets: Secrets = ()
    """Environment variables of scheduler and workers whose values ECS reads from Secrets Manager or Parameter Store;
    they win over environment. The operator's settings must admit them."""

    volumes: Volumes = ()
    """Volumes that tasks may mount; mountPoints of scheduler and worker say which do."""

    network: Network = Network()
    """Where in AWS's network the tasks run, and who may reach them."""

    iam: Iam = Iam()
    """With which permissions the tasks run; what is given here must be admitted by the operator's settings."""

    logs: Logs = Logs()
    """Where the output of scheduler and workers goes in CloudWatch Logs."""

    service: Service = Service()
    """The Kubernetes Service that leads to the scheduler."""

    update_strategy: UpdateStrategy = UpdateStrategy()
    """How an edit comes to the tasks that run already."""

    suspend: bool = False
    """Whether the cluster rests: true ends all its tasks and keeps the object; false starts it again."""

    deletion_policy: Literal["Delete", "Retain"] = "Delete"
    """What becomes of the tasks, and of what was made for them, when the object is deleted: with Retain they stay, and
    are yours to end. Needs isolation: cluster."""

    max_lifetime: Lifetime | None = None
    """After how long all tasks are ended, as 8h, counted from the creation or the last start after a rest; the object
    stays. By default the cluster lives as long as its object."""

    tags: Tags = Field(default_factory=dict)
    """AWS tags on the cluster's tasks and, with isolation: cluster, on all else that is made for it."""

    @property
    def is_isolated(self) -> bool:
        """Whether nothing that is made is shared with other clusters."""
        return self.isolation == "cluster" or self.capacity is not None

    propagate_tags: Literal["TASK_DEFINITION", "NONE"] | None = None
    """Whether tasks get the tags of their task definition besides their own; by default they do not."""

    enable_ecs_managed_tags: bool | None = Field(default=None, alias="enableECSManagedTags")
    """Whether ECS tags the tasks with the name of their ECS cluster, as AWS's cost reports use it."""

    enable_execute_command: bool | None = None
    """Whether `aws ecs execute-command` opens a shell in the tasks; a task role that is made may then do what that
    takes, a given one has to (AWS: "Monitor Amazon ECS containers with ECS Exec")."""

    @property
    def has_tls(self) -> bool:
        """Whether connections are encrypted: who has a certificate does not talk to an external tcp:// scheduler."""
        return self.tls.enabled and not (self.scheduler.address or "").startswith("tcp://")

    @property
    def roles(self) -> tuple[Literal["scheduler", "worker"], ...]:
        """The roles whose tasks are run: beside a scheduler that runs elsewhere, workers alone."""
        return ("worker",) if self.scheduler.address else ("scheduler", "worker")

    def role(self, name: Literal["scheduler", "worker"]) -> Scheduler | Worker:
        """Return what is asked of one of the two roles."""
        return self.scheduler if name == "scheduler" else self.worker

    def launch_type_of(self, role: Literal["scheduler", "worker"]) -> LaunchType:
        """Return on what the tasks of a role run."""
        return self.role(role).launch_type or self.launch_type

    def subnets_of(self, role: Literal["scheduler", "worker"]) -> tuple[str, ...]:
        """Return the subnets that are given for a role; none: they are found."""
        return self.role(role).subnets or self.network.subnets

    def security_groups_of(self, role: Literal["scheduler", "worker"]) -> tuple[str, ...]:
        """Return the security groups that are given for a role; none: one is made."""
        return self.role(role).security_groups or self.network.security_groups

    @property
    def named_region(self) -> str | None:
        """The AWS region that it names, itself or by its ECS cluster; None: it has the operator's."""
        return self.region or (self.cluster_arn.split(":")[3] if self.cluster_arn else None)

    @property
    def brings_all_definitions(self) -> bool:
        """Whether each role has a task definition of the user's own, so that none is made, nor a role for one."""
        return all(self.role(role).task_definition_arn for role in self.roles)

    @property
    def needs_security_group(self) -> bool:
        """Whether a security group is made: for a role that none is given for."""
        return not all(self.security_groups_of(role) for role in self.roles)
