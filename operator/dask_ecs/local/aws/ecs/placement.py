"""Where a task goes: by capacity provider strategy to Fargate or EC2, on EC2 to a container instance."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .capacity_providers import FARGATE_PROVIDERS, is_available, manages_instances
from .errors import InvalidParameterException

if TYPE_CHECKING:
    from .model import Cluster, ContainerInstance, EcsState
    from .task import Task

_ATTRIBUTE = re.compile(r"\s*attribute:([\w.-]+)\s*(==|!=|=~|!~)\s*(\S+)\s*")


class NoPlace(Exception):  # noqa: N818
    """No capacity has room for the task; `failures` are RunTask's."""

    def __init__(self, failures: list[dict[str, str]]) -> None:
        super().__init__(failures)
        self.failures = failures


@dataclass(frozen=True, slots=True)
class Demand:
    """What a task needs: CPU units, MiB, GPUs, an architecture, and placement constraints."""

    cpu: int
    memory: int
    gpus: int
    architecture: str
    constraints: list[dict[str, Any]] = field(default_factory=list)


def strategy_for(
    state: EcsState, cluster: Cluster, parameters: dict[str, Any], count: int
) -> list[tuple[str, str | None]]:
    """Return launch type and capacity provider for each of `count` tasks; raise InvalidParameterException."""
    launch_type, strategy = parameters.get("launchType"), parameters.get("capacityProviderStrategy")
    if launch_type and strategy:
        raise InvalidParameterException(
            "Specifying both a launch type and capacity provider strategy is not supported."
        )
    if launch_type:
        return [(launch_type, None)] * count
    strategy = strategy or cluster.default_strategy
    if not strategy:
        return [("EC2", None)] * count
    for item in strategy:
        if not is_available(state, cluster, item["capacityProvider"]):
            raise InvalidParameterException(
                f"The specified capacity provider '{item['capacityProvider']}' was not found in the cluster."
            )
    return [(_launch_type(state, name), name) for name in _spread(strategy, count)]


def _launch_type(state: EcsState, provider: str) -> str:
    if manages_instances(state, provider):
        return "MANAGED_INSTANCES"
    return "FARGATE" if provider in FARGATE_PROVIDERS else "EC2"


def _spread(strategy: list[dict[str, Any]], count: int) -> list[str]:
    chosen: list[str] = []
    for item in strategy:
        chosen += [item["capacityProvider"]] * min(item.get("base", 0), count - len(chosen))
    # ECS reads an absent weight as 0 in a list and as 1 where a provider stands alone.
    weights = {item["capacityProvider"]: item.get("weight", 1 if len(strategy) == 1 else 0) for item in strategy}
    if count > len(chosen) and not any(weights.values()):
        raise InvalidParameterException("The capacity provider strategy must have a weight above 0.")
    given = dict.fromkeys(weights, 0)
    for _ in range(count - len(chosen)):
        name = min((name for name in weights if weights[name]), key=lambda each: (given[each] + 1) / weights[each])
        given[name] += 1
        chosen.append(name)
    return chosen


def place(cluster: Cluster, demand: Demand, *, provider: str | None = None) -> ContainerInstance:
    """Return the instance with room whose memory it fills best; raise NoPlace, InvalidParameterException.

    With a capacity provider, one of its instances only.
    """
    instances = [each for each in cluster.instances.values() if provider in (None, each.capacity_provider)]
    if not instances:
        raise InvalidParameterException("No Container Instances were found in your cluster.")
    lacking = {instance.arn: _lack(instance, demand) for instance in instances}
    roomy = [instance for instance in instances if lacking[instance.arn] is None]
    if not roomy:
        raise NoPlace([{"arn": arn, "reason": reason} for arn, reason in lacking.items() if reason])
    return min(roomy, key=lambda each: (each.size.gpus, each.free_memory, each.id))


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


def _lack(instance: ContainerInstance, demand: Demand) -> str | None:
    """Why the task can not go there, in the words of "API failure reasons" in the ECS guide."""
    if instance.status != "ACTIVE":
        return "INACTIVE" if instance.status == "INACTIVE" else "DRAINING"
    if demand.architecture.lower() != instance.attributes["ecs.cpu-architecture"]:
        return "ATTRIBUTE"
    if not all(_meets(instance, constraint) for constraint in demand.constraints):
        return "MemberOf placement constraint unsatisfied."
    if instance.free_cpu < demand.cpu:
        return "RESOURCE:CPU"
    if instance.free_memory < demand.memory:
        return "RESOURCE:MEMORY"
    if len(instance.free_gpus) < demand.gpus:
        return "RESOURCE:GPU"
    return None


def _meets(instance: ContainerInstance, constraint: dict[str, Any]) -> bool:
    if constraint.get("type") != "memberOf":
        return True
    found = _ATTRIBUTE.fullmatch(constraint.get("expression") or "")
    if not found:
        raise InvalidParameterException("Unable to parse the placement constraint expression.")
    name, operator, wanted = found.groups()
    value = instance.attributes.get(name, "")
    same = bool(re.fullmatch(wanted, value)) if "~" in operator else value == wanted
    return same != operator.startswith("!")
