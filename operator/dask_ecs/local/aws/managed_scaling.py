"""Managed scaling: a capacity provider has instances for the tasks that wait for it, and none when it has no tasks."""

from __future__ import annotations

import asyncio
import base64
import logging
import math
import time
from typing import TYPE_CHECKING, Any, Final

from moto.ec2.models import ec2_backends

from .autoscaling.groups import name_of
from .ecs.capacity_providers import scales
from .ecs.instance_types import INSTANCE_TYPES, InstanceType
from .ecs.placement import place_waiting
from .instances import MANAGED_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .autoscaling.groups import Group
    from .delays import Delays
    from .ecs.model import Cluster, ContainerInstance, EcsState
    from .ecs.placement import Demand
    from .ecs.service import Ecs
    from .ecs.task import Task
    from .instances import Instances
    from .moto_server import Moto

_log = logging.getLogger(__name__)

FROM_ZERO: Final = 2
"""With how many instances a group without any begins ("Deep dive on Amazon ECS cluster auto scaling")."""


class ManagedScaling:
    """Looks every moment at all capacity providers."""

    def __init__(self, *, ecs: Ecs, moto: Moto, instances: Instances, delays: Delays) -> None:
        self._ecs = ecs
        self._moto = moto
        self._instances = instances
        self._delays = delays
        self._idle_since: dict[str, float] = {}
        self._asked: dict[str, int] = {}
        """Of a provider of managed instances, how many it has begun and not seen yet."""
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._loop = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Look no more."""
        if self._loop:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._delays.scale_out)
            for state in self._ecs.states():
                await self._end_unmanaged(state)
                for cluster in list(state.clusters.values()):
                    for name, provider in list(state.capacity_providers.items()):
                        if not scales(state, name):
                            continue
                        try:
                            await self._scale(state, cluster, name, provider)
                        except Exception:
                            # The loop's edge: one provider's trouble must not end the others' scaling.
                            _log.exception("scaling %s failed", name)

    async def _scale(self, state: EcsState, cluster: Cluster, name: str, provider: dict[str, Any]) -> None:
        waiting = [
            task
            for task in cluster.living()
            if task.capacity_provider == name and task.waits_for_an_instance and not place_waiting(task)
        ]
        mine = [instance for instance in cluster.instances.values() if instance.capacity_provider == name]
        idle = self._idle(cluster, mine)
        if "managedInstancesProvider" in provider:
            if provider["cluster"] == cluster.name:
                await self._scale_managed(state, cluster, provider, waiting, mine, idle)
        elif name in cluster.capacity_providers:
            arn = provider["autoScalingGroupProvider"]["autoScalingGroupArn"]
            group = await self._ecs.groups.describe(state.account, state.region, name_of(arn))
            if group:
                await self._scale_group(state, group, waiting, mine, idle)

    async def _scale_group(
        self,
        state: EcsState,
        group: Group,
        waiting: Sequence[Task],
        mine: Sequence[ContainerInstance],
        idle: Sequence[ContainerInstance],
    ) -> None:
        place = (state.account, state.region)
        if waiting:
            counts = [instances_for(waiting, INSTANCE_TYPES[name]) for name in group.type_names]
            # The group's smallest type has to hold the task: AWS scales for no larger one.
            lacking = max(counts) if all(counts) else 0
            wanted = min(group.desired + lacking if mine else FROM_ZERO, group.maximum)
            still_coming = group.desired > len(mine)
            if lacking and wanted > group.desired and not still_coming:
                await self._ecs.groups.set_desired(*place, group.name, wanted)
                await self._instances.follow(*place)
        elif idle and (surplus := group.desired - group.minimum) > 0:
            going = [instance.ec2_instance_id for instance in idle[:surplus]]
            await self._ecs.groups.remove(*place, group.name, going)
            await self._instances.follow(*place)

    async def _scale_managed(
        self,
        state: EcsState,
        cluster: Cluster,
        provider: dict[str, Any],
        waiting: Sequence[Task],
        mine: Sequence[ContainerInstance],
        idle: Sequence[ContainerInstance],
    ) -> None:
        place, name = (state.account, state.region), provider["name"]
        template = provider["managedInstancesProvider"]["instanceLaunchTemplate"]
        if waiting and len(mine) >= self._asked.get(name, 0):
            demands = [task.demand for task in waiting if task.demand]
            type_name = smallest_type(template.get("instanceRequirements") or {}, demands[0])
            if type_name:
                count = instances_for(waiting, INSTANCE_TYPES[type_name])
                self._asked[name] = len(mine) + count
                await self._moto.run(
                    lambda: _run_managed(*place, cluster.name, name, type_name, count=count, template=template)
                )
                await self._instances.follow(*place)
        elif idle and not waiting:
            going = [instance.ec2_instance_id for instance in idle]
            self._asked[name] = len(mine) - len(going)
            await self._moto.run(lambda: ec2_backends[place[0]][place[1]].terminate_instances(going))
            await self._instances.follow(*place)

    async def _end_unmanaged(self, state: EcsState) -> None:
        """End the managed instances of providers that are deleted."""
        deleted = self._asked.keys() - state.capacity_providers.keys()
        going = [
            instance.ec2_instance_id
            for cluster in state.clusters.values()
            for instance in cluster.instances.values()
            if instance.capacity_provider in deleted
        ]
        if going:
            await self._moto.run(lambda: ec2_backends[state.account][state.region].terminate_instances(going))
            await self._instances.follow(state.account, state.region)

    def _idle(self, cluster: Cluster, instances: Iterable[ContainerInstance]) -> list[ContainerInstance]:
        """Return those instances that have been without tasks for long enough."""
        busy = {task.instance.id for task in cluster.living() if task.instance}
        found, now = [], time.monotonic()
        for instance in instances:
            if instance.id in busy:
                self._idle_since.pop(instance.id, None)
            elif now - self._idle_since.setdefault(instance.id, now) >= self._delays.scale_in:
                found.append(instance)
        return found


def instances_for(tasks: Sequence[Task], size: InstanceType) -> int:
    """Return how many instances of a size hold the tasks; 0 where one is too small for them."""
    demands = [task.demand for task in tasks if task.demand]
    each = min((_fit(size, demand) for demand in demands), default=0)
    return math.ceil(len(demands) / each) if each else 0


def smallest_type(requirements: dict[str, Any], demand: Demand) -> str | None:
    """Return the smallest instance type that holds a task and is what a managed provider's requirements admit."""
    allowed = requirements.get("allowedInstanceTypes")
    fitting = [
        (size.gpus, size.memory, name)
        for name, size in INSTANCE_TYPES.items()
        if (not allowed or name in allowed)
        and size.architecture == demand.architecture.lower()
        and size.vcpus >= requirements.get("vCpuCount", {}).get("min", 0)
        and size.memory >= requirements.get("memoryMiB", {}).get("min", 0)
        and size.gpus >= requirements.get("acceleratorCount", {}).get("min", 0)
        and _fit(size, demand)
    ]
    return min(fitting)[2] if fitting else None


def _fit(size: InstanceType, demand: Demand) -> int:
    """Return how many tasks fit on an instance."""
    by_gpus = [size.gpus // demand.gpus] if demand.gpus else []
    by_cpu = [size.vcpus * 1024 // demand.cpu] if demand.cpu else []
    return min([size.registered_memory // max(demand.memory, 1), *by_cpu, *by_gpus])


def _run_managed(
    account: str, region: str, cluster: str, provider: str, type_name: str, *, count: int, template: dict[str, Any]
) -> None:
    ec2 = ec2_backends[account][region]
    network = template["networkConfiguration"]
    reservation = ec2.run_instances(
        "",
        count,
        base64.b64encode(f"ECS_CLUSTER={cluster}\n".encode()).decode(),
        [],
        instance_type=type_name,
        subnet_id=network["subnets"][0],
        security_group_ids=list(network.get("securityGroups") or ()),
        is_instance_type_default=False,
        tags={"instance": {MANAGED_TAG: provider}},
    )
    for instance in reservation.instances:
        instance.lifecycle = "spot" if template.get("capacityOptionType") == "SPOT" else None
