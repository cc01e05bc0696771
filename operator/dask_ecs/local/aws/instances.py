"""EC2 instances that join an ECS cluster, because their user data says so as the ECS-optimized AMI reads it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from moto.ec2.models import ec2_backends

from .ecs.container_instances import add_instance
from .ecs.errors import EcsError

if TYPE_CHECKING:
    from .delays import Delays
    from .ecs.service import Ecs
    from .moto_server import Moto

MANAGED_TAG: Final = "aws:ecs:capacityProvider"
"""On managed instances: their capacity provider."""

_ECS_CLUSTER: Final = re.compile(r"ECS_CLUSTER=[\"']?([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class _Ec2Instance:
    id: str
    type_name: str
    zone: str
    cluster: str
    group: str | None
    """Its Auto Scaling group, or the capacity provider that manages it."""


class Instances:
    """Follows EC2: what runs joins its cluster some moments later, what is terminated leaves it."""

    def __init__(self, *, ecs: Ecs, moto: Moto, delays: Delays) -> None:
        self._ecs = ecs
        self._moto = moto
        self._delays = delays
        self._seen: dict[str, tuple[str, str]] = {}
        self._joining: set[asyncio.Task[None]] = set()

    async def follow(self, account: str, region: str) -> None:
        """See which instances have come and gone."""
        running = await self._moto.run(lambda: _running(ec2_backends[account][region]))
        for instance in running.values():
            if instance.id not in self._seen:
                self._seen[instance.id] = (account, region)
                joining = asyncio.create_task(self._join(account, region, instance))
                self._joining.add(joining)
                joining.add_done_callback(self._joining.discard)
        for gone in [key for key, place in self._seen.items() if place == (account, region) and key not in running]:
            del self._seen[gone]
            self._leave(account, region, gone)

    async def close(self) -> None:
        """Let nothing join any more."""
        for joining in self._joining:
            joining.cancel()
        await asyncio.gather(*self._joining, return_exceptions=True)

    async def _join(self, account: str, region: str, instance: _Ec2Instance) -> None:
        while instance.id in self._seen:
            await asyncio.sleep(self._delays.instance_registration)
            if instance.id not in self._seen:
                return
            state = self._ecs.state(account, region)
            try:
                add_instance(
                    state,
                    state.cluster(instance.cluster),
                    ec2_instance_id=instance.id,
                    type_name=instance.type_name,
                    availability_zone=instance.zone,
                    group=instance.group,
                )
            except EcsError:
                # The agent tries until its cluster is there.
                await asyncio.sleep(1)
            else:
                return

    def _leave(self, account: str, region: str, instance_id: str) -> None:
        for cluster in self._ecs.state(account, region).clusters.values():
            for instance in [each for each in cluster.instances.values() if each.ec2_instance_id == instance_id]:
                del cluster.instances[instance.id]
                instance.status = "INACTIVE"
                for task in [task for task in cluster.living() if task.instance is instance]:
                    task.end(code="TerminationNotice", reason=f"Host EC2 (instance {instance_id}) terminated.")
                    if not self._ecs.lives.kill(task):
                        task.stop_asked.set()


def _running(ec2: Any) -> dict[str, _Ec2Instance]:
    return {
        instance.id: _Ec2Instance(
            instance.id, instance.instance_type, instance.placement.zone, cluster, _group_of(instance)
        )
        for reservation in ec2.reservations.values()
        for instance in reservation.instances
        if instance._state.name == "running" and (cluster := _cluster_in(instance.user_data))
    }


def _group_of(instance: Any) -> str | None:
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    return tags.get("aws:autoscaling:groupName") or tags.get(MANAGED_TAG)


def _cluster_in(user_data: object) -> str | None:
    """Return the cluster that user data names; EC2 hands it over in base64."""
    text = str(user_data or "")
    # ValueError: it was not base64, but as a launch template's can be, the text itself.
    with contextlib.suppress(ValueError):
        text = base64.b64decode(text, validate=True).decode()
    found = _ECS_CLUSTER.findall(text)
    return found[-1] if found else None
