"""The machines that are brought for a cluster on EC2: which, how many, and how they are set up."""

from typing import Annotated, ClassVar

from pydantic import Field

from dask_ecs.api.capacity_rules import CAPACITY_RULES
from dask_ecs.api.fields import ATOMIC, SET, InstanceProfileArn, VolumeSize
from dask_ecs.api.model import Model
from dask_ecs.api.quantity import parse_memory
from dask_ecs.api.rules import Rule, matching
from dask_ecs.api.tags import Tags

# AWS: "Amazon EC2 instance types" names them family.size, in small letters.
InstanceType = Annotated[
    str,
    Field(max_length=32),
    matching(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "not an EC2 instance type: write it as m6i.xlarge"),
]
# Amazon EC2 Auto Scaling API reference, LaunchTemplate: up to 40 overrides; a group's types in order of preference.
InstanceTypes = Annotated[tuple[InstanceType, ...], Field(max_length=40, json_schema_extra=ATOMIC)]

AmiId = Annotated[
    str,
    Field(max_length=32),
    matching(r"ami-([0-9a-f]{8}|[0-9a-f]{17})", "not the ID of an AMI: write it as ami-0123456789abcdef0"),
]
Zone = Annotated[
    str,
    Field(max_length=64),
    matching(r"[a-z]{2,4}(-[a-z0-9]+)+-[0-9]{1,2}[a-z]", "not an availability zone: write it as eu-west-1a"),
]
# Amazon EC2 user guide, "Run commands when you launch an EC2 instance": 16 KB in all, some of which the operator needs.
UserData = Annotated[
    str,
    Field(min_length=1, max_length=14336),
    Rule(
        cel="self.startsWith('#!') || self.startsWith('#cloud-config')",
        holds=lambda text: text.startswith(("#!", "#cloud-config")),
        message="cloud-init does not know what it is: begin with #! for a script, or with #cloud-config",
    ),
]
# Amazon EC2 API reference, CreateKeyPair.
KeyName = Annotated[str, Field(min_length=1, max_length=255)]
AcceleratorName = Annotated[
    str,
    Field(max_length=32),
    matching(r"[a-z0-9-]+", "not the name of an accelerator: write it in small letters, as t4 or a10g"),
]
Instances = Annotated[int, Field(ge=0, le=1000, json_schema_extra={"format": "int32"})]
Percentage = Annotated[int, Field(ge=0, le=100, json_schema_extra={"format": "int32"})]

DEFAULT_MAXIMUM = 100


class ManagedInstances(Model):
    """Machines that ECS itself chooses, brings, patches and takes away (Amazon ECS Managed Instances)."""

    accelerator_names: Annotated[tuple[AcceleratorName, ...], Field(max_length=20, json_schema_extra=SET)] = ()
    """Which GPUs will do for workers with worker.gpu, as t4 or a10g; by default any of NVIDIA's."""


class Capacity(Model):
    """The machines that are brought for this cluster alone while it has tasks for them."""

    rules: ClassVar[tuple[Rule, ...]] = CAPACITY_RULES

    instance_types: InstanceTypes = ()
    """EC2 instance types, the preferred first; each of them must hold a worker's task. The kernel and ECS's agent keep
    some memory back: 16Gi never fits an instance of 16 GiB. With managedInstances: the only types that will do."""

    scheduler_instance_types: InstanceTypes = ()
    """The same for the scheduler alone, as a machine without GPUs; by default instanceTypes."""

    minimum: Instances = 0
    """How many instances for workers there are at least, with or without tasks."""

    maximum: Annotated[int, Field(ge=1, le=1000, json_schema_extra={"format": "int32"})] | None = None
    """How many instances for workers there are at most; by default 100. Those that no task waits for are not made."""

    spot: bool = False
    """Whether workers run on Spot instances; the scheduler never does."""

    on_demand_percentage: Percentage | None = None
    """With spot: how many of a hundred instances are on demand all the same; by default none."""

    ami: AmiId | None = None
    """AMI of the instances; by default the newest ECS-optimized Amazon Linux 2023, that for GPUs where workers have
    any. The operator's settings must admit it."""

    key_name: KeyName | None = None
    """EC2 key pair for logging in to the instances. The operator's settings must admit it."""

    filesystem_size: VolumeSize = "40Gi"
    """Size of each instance's volume, as 100Gi: gp3, encrypted; images and containers share it."""

    user_data: UserData | None = None
    """Script (#!), run when an instance starts and knows its ECS cluster, or #cloud-config. The operator's
    settings must admit it."""

    availability_zones: Annotated[tuple[Zone, ...], Field(max_length=10, json_schema_extra=SET)] = ()
    """Zones for instances and tasks, as eu-west-1a; by default all in which the network has subnets."""

    instance_profile_arn: InstanceProfileArn | None = None
    """Instance profile of the instances; by default one is made that lets them join this cluster and nothing else. The
    operator's settings must admit it."""

    volume_tags: Tags = Field(default_factory=dict)
    """AWS tags on the instances' volumes, besides those in tags."""

    monitoring: bool = False
    """Whether CloudWatch has the instances' metrics each minute (detailed monitoring), which costs."""

    managed_instances: ManagedInstances | None = None
    """Leave the machines to ECS: {} is enough. What to bring follows from the tasks; instanceTypes may narrow it."""

    @property
    def most(self) -> int:
        """How many instances for workers there are at most."""
        return DEFAULT_MAXIMUM if self.maximum is None else self.maximum

    @property
    def filesystem_gib(self) -> int:
        """GiB of each instance's volume, a fraction cut off."""
        return parse_memory(self.filesystem_size) // 1024
