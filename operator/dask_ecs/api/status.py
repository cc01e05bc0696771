"""What the operator saw and did: DaskCluster.status."""

from typing import Annotated, Literal

from pydantic import Field, computed_field

from dask_ecs.api import annotation
from dask_ecs.api.conditions import Condition
from dask_ecs.api.fields import SET, keyed_by
from dask_ecs.api.model import Model
from dask_ecs.api.rest import Rest
from dask_ecs.api.tls import TlsStatus
from dask_ecs.api.versions import ClusterVersions

Phase = Literal["Pending", "Launching", "Running", "Degraded", "Suspended", "Failed", "Deleting"]
Role = Literal["scheduler", "worker"]

Arn = Annotated[str, Field(max_length=2048)]
AwsId = Annotated[str, Field(max_length=64)]
Url = Annotated[str, Field(max_length=512)]
Cidr = Annotated[str, Field(max_length=64)]
ObjectName = Annotated[str, Field(max_length=253)]
MadeName = Annotated[str, Field(max_length=640)]
Time = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
Digest = Annotated[str, Field(max_length=64)]
Count = Annotated[int, Field(ge=0, json_schema_extra={"format": "int32"})]


class WorkerCounts(Model):
    """How many workers there are."""

    desired: Count = 0
    """Workers that are wanted."""

    pending: Count = 0
    """Workers whose tasks were started and are not running yet."""

    running: Count = 0
    """Workers that run."""

    updated: Count = 0
    """Workers that run the spec as it is now."""

    @computed_field(json_schema_extra={"maxLength": 32})  # type: ignore[prop-decorator]
    @property
    def summary(self) -> str:
        """Running of desired workers, as 3/4."""
        return f"{self.running}/{self.desired}"


class TaskDefinitions(Model):
    """The ECS task definitions in use."""

    scheduler: Arn | None = None
    """ARN of the scheduler's."""

    worker: Arn | None = None
    """ARN of the workers'."""

    def of_family(self, family: str) -> str | None:
        """Return the ARN of the one of this family, None if neither is."""
        return next(
            (arn for arn in (self.scheduler, self.worker) if arn and f":task-definition/{family}:" in arn), None
        )


class ImageDigest(Model):
    """What a tag means, as the first task resolved it."""

    image: Annotated[str, Field(max_length=512)]
    """The image by its tag."""

    digest: Annotated[str, Field(max_length=128)]
    """The digest of the image that it was, as sha256:..."""


class ImageDigests(Model):
    """What the tags of the images mean for this cluster."""

    scheduler: ImageDigest | None = None
    """The scheduler's."""

    worker: ImageDigest | None = None
    """The workers'; the scheduler's, where they have the same image."""


class CapacityProviders(Model):
    """The ECS capacity providers in use, where instances are brought."""

    scheduler: Annotated[str, Field(max_length=255)] | None = None
    """Name of the scheduler's."""

    worker: Annotated[str, Field(max_length=255)] | None = None
    """Name of the workers'."""


class Roles(Model):
    """The IAM roles in use."""

    execution: Arn | None = None
    """ARN of the role with which ECS pulls the image and writes logs."""

    task: Arn | None = None
    """ARN of the role that the code in the tasks has."""


class ResolvedSubnets(Model):
    """The subnets that one role's tasks go to."""

    subnets: Annotated[tuple[AwsId, ...], Field(max_length=16, json_schema_extra=SET)] = ()
    """Subnets of the tasks."""

    assign_public_ip: bool | None = None
    """Whether the tasks get a public address; absent on EC2."""


class ResolvedNetwork(Model):
    """The network that the spec and the account came to; it stays the same for the cluster's life."""

    vpc_id: AwsId | None = None
    """VPC of the tasks."""

    subnets: Annotated[tuple[AwsId, ...], Field(max_length=16, json_schema_extra=SET)] = ()
    """Subnets of the tasks."""

    vpc_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=32, json_schema_extra=SET)] = ()
    """CIDRs of the VPC."""

    assign_public_ip: bool | None = None
    """Whether tasks get a public address; absent on EC2."""

    worker: ResolvedSubnets | None = None
    """Where the workers' tasks go, if not where the scheduler's does."""


class Launch(Model):
    """A RunTask call, written down before it is sent, until its tasks are seen."""

    # ECS API reference, RunTask: clientToken of 64 characters at most, count of 10 at most.
    token: Annotated[str, Field(min_length=1, max_length=64)]
    """The call's clientToken."""

    role: Role
    """What it starts."""

    count: Annotated[int, Field(ge=1, le=10, json_schema_extra={"format": "int32"})]
    """How many tasks it starts."""

    request_hash: Annotated[str, Field(max_length=128)]
    """Hash of the request, to know it by."""

    time: Time
    """When it was written down."""

    capacity_provider: Annotated[str, Field(max_length=255)] | None = None
    """On what it starts them; absent: on the role's launch type."""

    worker_name: Annotated[str, Field(max_length=32)] | None = None
    """What the worker is called that it starts, if workers have names."""


class LaunchPlace(Model):
    """Where the cluster's next tasks stand among those that wait for AWS's launch rate."""

    queue_position: Count = 0
    """Its place in the queue; 1 is next."""

    eta_seconds: Count = 0
    """Seconds until they are expected to be launched, when this was written."""


class Binding(Model):
    """The Secret that holds what a client needs to connect (servicebinding.io, "Provisioned Service")."""

    name: ObjectName
    """Its name, in the namespace of the DaskCluster."""


class ServiceReference(Model):
    """The Service that leads to the scheduler."""

    name: ObjectName
    """Its name, in the namespace of the DaskCluster."""


class WrittenObjects(Model):
    """What was last written of the cluster in Kubernetes, each as a digest of what was wanted of it."""

    secret: Digest | None = None
    """Of the binding Secret."""

    service: Digest | None = None
    """Of the Service."""

    endpoint_slice: Digest | None = None
    """Of the EndpointSlice."""


class DaskClusterStatus(Model):
    """The Dask cluster as the operator last saw it."""

    phase: Phase | None = None
    """The state in one word, for people; programs read the conditions."""

    observed_generation: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] | None = None
    """The metadata.generation that this status was made for."""

    last_handled_reconcile_at: Annotated[str, Field(max_length=annotation.MAX_VALUE)] | None = None
    """The value of the annotation ecs.dask.org/reconcile-requested-at for which all was last looked at anew."""

    scheduler_address: Url | None = None
    """Where clients connect, as tls://10.0.1.7:8786."""

    dashboard_link: Url | None = None
    """Where the scheduler's dashboard is."""

    binding: Binding | None = None
    """The Secret that holds what a client needs to connect."""

    service: ServiceReference | None = None
    """The Service that leads to the scheduler, if there is one."""

    written: WrittenObjects = WrittenObjects()
    """What was last written in Kubernetes, so that a restarted operator need not look at it before its time."""

    tls: TlsStatus | None = None
    """The certificate of scheduler, workers and clients, where connections are encrypted."""

    replicas: Count = 0
    """Workers that exist, for the scale subresource."""

    selector: Annotated[str, Field(max_length=1024)] | None = None
    """Label selector of the workers, for the scale subresource."""

    workers: WorkerCounts = WorkerCounts()
    """How many workers there are."""

    image: Annotated[str, Field(max_length=512)] | None = None
    """Container image of the workers."""

    image_digests: ImageDigests = ImageDigests()
    """What the tags of the images mean: later tasks get the images that the first ones got, until the spec names others
    or the cluster rests."""

    versions: ClusterVersions | None = None
    """Versions of Python and Dask that scheduler, workers and clients have, as they last said."""

    account_id: Annotated[str, Field(max_length=12)] | None = None
    """AWS account of the tasks; it stays the same for the cluster's life."""

    region: Annotated[str, Field(max_length=32)] | None = None
    """AWS region of the tasks; it stays the same for the cluster's life."""

    cluster_arn: Arn | None = None
    """ARN of the ECS cluster in use."""

    scheduler_task_arn: Arn | None = None
    """ARN of the scheduler's task."""

    task_definitions: TaskDefinitions = TaskDefinitions()
    """The ECS task definitions in use."""

    roles: Roles = Roles()
    """The IAM roles in use."""

    made: Annotated[tuple[MadeName, ...], Field(max_length=256, json_schema_extra=SET)] = ()
    """What was made on AWS so that the cluster runs, as kind/name, written before it is made; each thing goes with the
    last of its users."""

    launch_type: Annotated[str, Field(max_length=32)] | None = None
    """FARGATE or EC2; where scheduler and workers differ both, the scheduler's first."""

    capacity_providers: CapacityProviders = CapacityProviders()
    """The ECS capacity providers in use, where instances are brought."""

    security_group_id: AwsId | None = None
    """Security group that was made."""

    log_group: Annotated[str, Field(max_length=512)] | None = None
    """CloudWatch Logs group in use."""

    network: ResolvedNetwork = ResolvedNetwork()
    """The network that the spec and the account came to; it stays the same for the cluster's life."""

    idle_since: Time | None = None
    """Since when no client is connected, no result kept and nothing to be computed, as far as is known."""

    rest: Rest | None = None
    """Why and since when the cluster rests, with no tasks, or last did."""

    launch: LaunchPlace | None = None
    """While tasks wait for their turn to be launched: their place in the queue."""

    launches: Annotated[tuple[Launch, ...], Field(max_length=64, json_schema_extra=keyed_by("token"))] = ()
    """RunTask calls whose tasks have not been seen yet."""

    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=keyed_by("type"))] = ()
    """Ready, Reconciling and Stalled, and what explains them."""
