"""What ECS remembers: clusters, task definitions and container instances of one account in one region."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .errors import ClientException, ClusterNotFoundException

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from .instance_types import InstanceType
    from .task import Task

TOKEN_SECONDS: Final = 24 * 3600.0
"""How long a client token is remembered ("Ensuring idempotency", ECS API reference)."""


def tags_from(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """ECS' list of tags as a dict; ECS writes `key` and `value` in lower case."""
    return {tag["key"]: tag.get("value", "") for tag in tags or []}


def tags_to(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return a dict of tags as ECS lists it."""
    return [{"key": key, "value": value} for key, value in tags.items()]


@dataclass(slots=True)
class TaskDefinition:
    """One revision; `described` is what DescribeTaskDefinition answers."""

    arn: str
    family: str
    revision: int
    described: dict[str, Any]
    tags: dict[str, str]
    status: str = "ACTIVE"

    @property
    def containers(self) -> list[dict[str, Any]]:
        """Return the container definitions."""
        found: list[dict[str, Any]] = self.described["containerDefinitions"]
        return found

    @property
    def network_mode(self) -> str:
        """Return the Docker network mode; ECS' default on Linux is bridge."""
        return str(self.described.get("networkMode", "bridge"))

    @property
    def architecture(self) -> str:
        """Return X86_64 or ARM64."""
        return str(self.described.get("runtimePlatform", {}).get("cpuArchitecture", "X86_64"))


@dataclass(slots=True)
class ContainerInstance:
    """An EC2 instance that has joined a cluster, and what is left of it."""

    arn: str
    id: str
    ec2_instance_id: str
    type_name: str
    size: InstanceType
    availability_zone: str
    capacity_provider: str | None = None
    registered_at: float = field(default_factory=time.time)
    status: str = "ACTIVE"
    attributes: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    version: int = 1
    free_cpu: int = 0
    free_memory: int = 0
    free_gpus: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.free_cpu = self.size.vcpus * 1024
        self.free_memory = self.size.registered_memory
        self.free_gpus = [str(index) for index in range(self.size.gpus)]
        self.attributes = {
            "ecs.availability-zone": self.availability_zone,
            "ecs.cpu-architecture": self.size.architecture,
            "ecs.instance-type": self.type_name,
            "ecs.os-type": "linux",
            **self.attributes,
        }

    def gpu_id(self, index: str) -> str:
        """Return the device's UUID as the NVIDIA driver would give it; the same for a GPU's whole life."""
        return f"GPU-{uuid.uuid5(uuid.NAMESPACE_URL, f'{self.ec2_instance_id}/{index}')}"


@dataclass(slots=True)
class Launch:
    """A RunTask that named a client token: what it asked for and, once known, the tasks that it made."""

    request: str
    at: float
    tasks: asyncio.Future[list[Task]]


@dataclass(slots=True)
class Cluster:
    """An ECS cluster with everything in it."""

    arn: str
    name: str
    tags: dict[str, str]
    settings: list[dict[str, str]]
    capacity_providers: list[str]
    default_strategy: list[dict[str, Any]]
    status: str = "ACTIVE"
    tasks: dict[str, Task] = field(default_factory=dict)
    instances: dict[str, ContainerInstance] = field(default_factory=dict)
    launches: dict[str, Launch] = field(default_factory=dict)

    def living(self) -> Iterable[Task]:
        """Return the tasks that are not STOPPED."""
        return (task for task in self.tasks.values() if task.last_status != "STOPPED")

    def forget_old_tokens(self) -> None:
        """Drop the client tokens that have expired."""
        oldest = time.time() - TOKEN_SECONDS
        for token in [token for token, launch in self.launches.items() if launch.at < oldest]:
            del self.launches[token]


class EcsState:
    """ECS of one account in one region."""

    def __init__(self, *, account: str, region: str) -> None:
        self.account = account
        self.region = region
        self.clusters: dict[str, Cluster] = {}
        self.families: dict[str, list[TaskDefinition]] = {}
        self.last_revision: dict[str, int] = {}
        self.capacity_providers: dict[str, dict[str, Any]] = {}
        self.account_settings: dict[str, str] = {}

    def arn(self, resource: str) -> str:
        """Return the ARN of `resource`, such as `cluster/demo`."""
        return f"arn:aws:ecs:{self.region}:{self.account}:{resource}"

    def cluster(self, name_or_arn: str | None) -> Cluster:
        """Return an active cluster; raise ClusterNotFoundException."""
        cluster = self.any_cluster(name_or_arn)
        if cluster.status != "ACTIVE":
            raise ClusterNotFoundException("The referenced cluster was inactive.")
        return cluster

    def any_cluster(self, name_or_arn: str | None) -> Cluster:
        """Return a cluster, even a deleted one; raise ClusterNotFoundException."""
        reference = name_or_arn or "default"
        if reference.startswith("arn:") and reference != self.arn(f"cluster/{reference.rpartition('/')[2]}"):
            raise ClusterNotFoundException
        try:
            return self.clusters[reference.rpartition("/")[2]]
        except KeyError:
            raise ClusterNotFoundException from None

    def task_definition(self, reference: str) -> TaskDefinition:
        """Return what `family`, `family:revision` or an ARN names; raise ClientException."""
        name = reference
        if reference.startswith("arn:"):
            prefix = self.arn("task-definition/")
            if not reference.startswith(prefix):
                raise ClientException("Unable to describe task definition.")
            name = reference.removeprefix(prefix)
        family, _, revision = name.partition(":")
        known = self.families.get(family, [])
        if revision:
            found = next((each for each in known if str(each.revision) == revision), None)
        else:
            found = next((each for each in reversed(known) if each.status == "ACTIVE"), None)
        if found is None:
            raise ClientException("Unable to describe task definition.")
        return found

    def container_instance(self, cluster: Cluster, reference: str) -> ContainerInstance | None:
        """Return the container instance that an id or ARN names, if it is in this cluster."""
        return cluster.instances.get(reference.rpartition("/")[2])
