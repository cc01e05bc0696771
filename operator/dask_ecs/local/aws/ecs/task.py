"""One ECS task and its containers, as DescribeTasks shows them."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .model import tags_to

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .model import Cluster, ContainerInstance, TaskDefinition
    from .placement import Demand

FARGATE_PLATFORM_VERSION: Final = "1.4.0"
"""What LATEST means for Linux ("Fargate platform versions", ECS guide)."""
FARGATE_DISK_GIB: Final = 20
"""Ephemeral storage of a Fargate task that asks for none."""

Times = dict[str, float]


@dataclass(slots=True)
class Container:
    """A container of a task: its definition, what RunTask overrode, and how it is."""

    arn: str
    definition: dict[str, Any]
    override: dict[str, Any]
    last_status: str = "PENDING"
    exit_code: int | None = None
    reason: str | None = None
    runtime_id: str | None = None
    image_digest: str | None = None
    health: str = "UNKNOWN"
    gpu_indexes: list[str] = field(default_factory=list)
    gpu_ids: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the container's name in its definition."""
        return str(self.definition["name"])

    @property
    def essential(self) -> bool:
        """Whether the task ends when this container ends."""
        return bool(self.definition.get("essential", True))

    @property
    def command(self) -> list[str] | None:
        """Return the command to run, None for the image's own."""
        command: list[str] | None = self.override.get("command") or self.definition.get("command")
        return command

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment that definition and override ask for."""
        pairs = [*self.definition.get("environment", []), *self.override.get("environment", [])]
        return {pair["name"]: pair.get("value", "") for pair in pairs}

    @property
    def gpus(self) -> int:
        """Return how many GPUs it asks for."""
        wanted = self.override.get("resourceRequirements") or self.definition.get("resourceRequirements") or []
        return sum(int(each["value"]) for each in wanted if each["type"] == "GPU")


@dataclass(slots=True)
class NetworkAttachment:
    """The task's elastic network interface; it has an address only once it is attached."""

    id: str
    subnet_id: str
    security_groups: list[str]
    public_address: bool
    status: str = "PRECREATED"
    interface_id: str = ""
    mac_address: str = ""
    address: str = ""

    def describe(self) -> dict[str, Any]:
        """Return it as in `attachments` of DescribeTasks."""
        details = {"subnetId": self.subnet_id}
        if self.address:
            details |= {
                "networkInterfaceId": self.interface_id,
                "macAddress": self.mac_address,
                "privateDnsName": f"ip-{self.address.replace('.', '-')}.internal",
                "privateIPv4Address": self.address,
            }
        pairs = [{"name": name, "value": value} for name, value in details.items()]
        return {"id": self.id, "type": "ElasticNetworkInterface", "status": self.status, "details": pairs}


@dataclass(slots=True, eq=False)
class Task:
    """A task from RunTask to an hour after its end."""

    arn: str
    id: str
    cluster: Cluster
    definition: TaskDefinition
    containers: list[Container]
    overrides: dict[str, Any]
    launch_type: str
    cpu: int
    memory: int
    group: str
    started_by: str | None
    tags: dict[str, str]
    stop_asked: asyncio.Event
    network: NetworkAttachment | None = None
    capacity_provider: str | None = None
    instance: ContainerInstance | None = None
    demand: Demand | None = None
    availability_zone: str | None = None
    execute_command: bool = False
    last_status: str = "PROVISIONING"
    desired_status: str = "RUNNING"
    connectivity: str | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    version: int = 1
    listener: Callable[[Task], None] | None = None
    """Is told of every change."""
    times: Times = field(default_factory=lambda: {"createdAt": now_to_the_millisecond()})

    @property
    def fargate(self) -> bool:
        """Whether it runs on Fargate, Spot or not."""
        return self.launch_type == "FARGATE"

    @property
    def waits_for_an_instance(self) -> bool:
        """Whether its capacity provider has no instance for it yet."""
        return not self.fargate and self.instance is None

    @property
    def address(self) -> str:
        """Return its own address, empty while none is attached."""
        return self.network.address if self.network else ""

    @property
    def role(self) -> str | None:
        """Return the ARN of the role that its programs act as."""
        return self.overrides.get("taskRoleArn") or self.definition.described.get("taskRoleArn")

    @property
    def execution_role(self) -> str | None:
        """Return the ARN of the role with which ECS pulls its images and writes its logs."""
        return self.overrides.get("executionRoleArn") or self.definition.described.get("executionRoleArn")

    @property
    def health(self) -> str:
        """HEALTHY, UNHEALTHY or UNKNOWN, from its essential containers that have a health check."""
        checked = {each.health for each in self.containers if each.essential and "healthCheck" in each.definition}
        return next((health for health in ("UNHEALTHY", "UNKNOWN", "HEALTHY") if health in checked), "UNKNOWN")

    def now(self, event: str) -> None:
        """Note the time of `startedAt`, `stoppingAt` and the like, unless it is known already."""
        self.times.setdefault(event, now_to_the_millisecond())

    def changed(self) -> None:
        """Say that something of it has changed: that is a new version."""
        self.version += 1
        if self.listener:
            self.listener(self)

    def enter(self, status: str) -> None:
        """Go into the state."""
        self.last_status = status
        self.changed()

    def end(self, *, code: str, reason: str) -> None:
        """Say why it stops; the first reason stands."""
        if self.stop_code is None:
            self.stop_code, self.stopped_reason = code, reason
            self.desired_status = "STOPPED"
            self.changed()

    def describe(self, *, with_tags: bool) -> dict[str, Any]:
        """Return it as DescribeTasks does."""
        described: dict[str, Any] = {
            "attachments": [self.network.describe()] if self.network else [],
            "attributes": [{"name": "ecs.cpu-architecture", "value": self.definition.architecture.lower()}],
            "availabilityZone": self.availability_zone,
            "capacityProviderName": self.capacity_provider,
            "clusterArn": self.cluster.arn,
            "connectivity": self.connectivity,
            "containerInstanceArn": self.instance.arn if self.instance else None,
            "containers": [self._describe_container(each) for each in self.containers],
            "cpu": str(self.cpu),
            "desiredStatus": self.desired_status,
            "enableExecuteCommand": self.execute_command,
            "group": self.group,
            "healthStatus": self.health,
            "lastStatus": self.last_status,
            "launchType": self.launch_type,
            "memory": str(self.memory),
            "overrides": self.overrides,
            "startedBy": self.started_by,
            "stopCode": self.stop_code,
            "stoppedReason": self.stopped_reason,
            "taskArn": self.arn,
            "taskDefinitionArn": self.definition.arn,
            "version": self.version,
            **self.times,
        }
        if self.fargate:
            disk = self.overrides.get("ephemeralStorage") or self.definition.described.get("ephemeralStorage")
            described["ephemeralStorage"] = disk or {"sizeInGiB": FARGATE_DISK_GIB}
            described["platformVersion"] = FARGATE_PLATFORM_VERSION
            described["platformFamily"] = "Linux"
        if with_tags:
            described["tags"] = tags_to(self.tags)
        return {name: value for name, value in described.items() if value is not None}

    def _describe_container(self, container: Container) -> dict[str, Any]:
        definition = container.definition
        interfaces = []
        if self.network and self.network.address:
            interfaces = [{"attachmentId": self.network.id, "privateIpv4Address": self.network.address}]
        described: dict[str, Any] = {
            "containerArn": container.arn,
            "taskArn": self.arn,
            "name": container.name,
            "image": definition["image"],
            # The agent tells it with the container's first change of state after the pull.
            "imageDigest": container.image_digest if container.runtime_id else None,
            "runtimeId": container.runtime_id,
            "lastStatus": container.last_status,
            "exitCode": container.exit_code,
            "reason": container.reason,
            "networkBindings": [],
            "networkInterfaces": interfaces,
            "healthStatus": container.health,
            "cpu": str(container.override.get("cpu", definition.get("cpu", 0))),
            "gpuIds": container.gpu_ids or None,
        }
        for amount in ("memory", "memoryReservation"):
            if (value := container.override.get(amount, definition.get(amount))) is not None:
                described[amount] = str(value)
        return {name: value for name, value in described.items() if value is not None}


def now_to_the_millisecond() -> float:
    """Return the time to the millisecond, which is what ECS tells."""
    return round(time.time(), 3)


def new_id() -> str:
    """Return a task id as ECS makes them: 32 hexadecimal digits."""
    return uuid.uuid4().hex
