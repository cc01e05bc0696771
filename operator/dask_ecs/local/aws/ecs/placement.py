"""To which container instance a task goes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import query_language
from .errors import InvalidParameterException

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .model import Cluster, ContainerInstance
    from .task import Task


class NoPlace(Exception):  # noqa: N818
    """No capacity has room for the task; `failures` are RunTask's."""

    def __init__(self, failures: list[dict[str, str]]) -> None:
        super().__init__(failures)
        self.failures = failures


@dataclass(frozen=True, slots=True)
class Demand:
    """What a task needs: CPU units, MiB, GPUs, an architecture, and what is said of its placement."""

    cpu: int
    memory: int
    gpus: int
    architecture: str
    group: str
    constraints: list[dict[str, Any]] = field(default_factory=list)
    strategies: list[dict[str, Any]] = field(default_factory=list)


def place(
    cluster: Cluster, demand: Demand, *, provider: str | None = None, beside: Sequence[Task] = ()
) -> ContainerInstance:
    """Return the best instance with room by the placement strategies, else the one whose memory it fills best.

    With a capacity provider, one of its instances only. `beside` are tasks that were placed just now and are not yet
    the cluster's. Raise NoPlace, InvalidParameterException.
    """
    instances = [each for each in cluster.instances.values() if provider in (None, each.capacity_provider)]
    if not instances:
        raise InvalidParameterException("No Container Instances were found in your cluster.")
    alike = [task.instance for task in (*cluster.living(), *beside) if task.instance and task.group == demand.group]
    lacking = {instance.arn: _lack(instance, demand, alike) for instance in instances}
    roomy = [instance for instance in instances if lacking[instance.arn] is None]
    if not roomy:
        raise NoPlace([{"arn": arn, "reason": reason} for arn, reason in lacking.items() if reason])
    return min(roomy, key=lambda each: (*_preference(each, demand, alike), each.size.gpus, each.free_memory, each.id))


def _preference(instance: ContainerInstance, demand: Demand, alike: Sequence[ContainerInstance]) -> Iterator[float]:
    """Yield, strategy by strategy, what is least for the instance that the strategy prefers."""
    for strategy in demand.strategies:
        field_name = strategy.get("field", "")
        match strategy["type"]:
            case "binpack":
                yield instance.free_cpu if field_name.lower() == "cpu" else instance.free_memory
            case "spread" if field_name in ("instanceId", "host"):
                yield alike.count(instance)
            case "spread":
                name = field_name.removeprefix("attribute:")
                value = instance.attributes.get(name)
                yield sum(each.attributes.get(name) == value for each in alike)
            case _:
                yield random.random()


def take(instance: ContainerInstance, task: Task) -> None:
    """Reserve the task's CPU, memory and GPUs on the instance."""
    instance.free_cpu -= task.cpu
    instance.free_memory -= task.memory
    instance.version += 1
    for container in task.containers:
        container.gpu_indexes = [instance.free_gpus.pop(0) for _ in range(container.gpus)]
        container.gpu_ids = [instance.gpu_id(index) for index in container.gpu_indexes]


def place_waiting(task: Task) -> bool:
    """Place a task that waits for its capacity provider's instances, if one has room; return whether it is placed."""
    assert task.demand is not None
    try:
        instance = place(task.cluster, task.demand, provider=task.capacity_provider)
    except (NoPlace, InvalidParameterException):
        return False
    task.instance = instance
    take(instance, task)
    task.changed()
    return True


def give_back(instance: ContainerInstance, task: Task) -> None:
    """Return what `take` reserved."""
    instance.free_cpu += task.cpu
    instance.free_memory += task.memory
    instance.version += 1
    for container in task.containers:
        instance.free_gpus = sorted([*instance.free_gpus, *container.gpu_indexes], key=int)


def _lack(instance: ContainerInstance, demand: Demand, alike: Sequence[ContainerInstance]) -> str | None:
    """Why the task can not go there, in the words of "API failure reasons" in the ECS guide."""
    if instance.status != "ACTIVE":
        return "INACTIVE" if instance.status == "INACTIVE" else "DRAINING"
    if demand.architecture.lower() != instance.attributes["ecs.cpu-architecture"]:
        return "ATTRIBUTE"
    for constraint in demand.constraints:
        if constraint["type"] == "distinctInstance" and instance in alike:
            return "DistinctInstance placement constraint unsatisfied."
        if constraint["type"] == "memberOf" and not query_language.names(constraint.get("expression") or "", instance):
            return "MemberOf placement constraint unsatisfied."
    if instance.free_cpu < demand.cpu:
        return "RESOURCE:CPU"
    if instance.free_memory < demand.memory:
        return "RESOURCE:MEMORY"
    if len(instance.free_gpus) < demand.gpus:
        return "RESOURCE:GPU"
    return None
