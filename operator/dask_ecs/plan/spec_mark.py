"""The mark by which a task tells which spec it runs: a hash of what the user asks for, not of what we make of it.

So an edit is seen whether it changes the task definition or only the command, and an operator that writes another
definition of the same spec replaces no task.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Self

from dask_ecs.plan import names
from dask_ecs.plan.target import Target, of_spec

if TYPE_CHECKING:
    from dask_ecs.api.spec import Scheduler, Worker
    from dask_ecs.plan.observed import Role

IN_PLACE = frozenset(
    {
        "updateStrategy",
        "capacity",
        "service",
        "suspend",
        "deletionPolicy",
        "maxLifetime",
        "scheduler.idleTimeout",
        "tags",
        "propagateTags",
        "enableECSManagedTags",
        "network.allowedCidrs",
        "logs.retentionDays",
        "logs.deletionPolicy",
        "worker.replicas",
    }
)
"""The fields whose edit concerns no task that runs: what they are tagged with, who reaches them, how many they are, on
which instances others will run."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpecMark:
    """Two hashes: of the image that the spec names for a role, and of all else that it asks for the role's tasks."""

    image: str
    rest: str

    def __str__(self) -> str:
        return f"{self.rest}-{self.image}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a mark that a task carries."""
        rest, _, image = text.partition("-")
        return cls(image=image, rest=rest)


@of_spec
def of_role(target: Target, role: Role) -> SpecMark:
    """Return the mark of a role's tasks as the spec is now."""
    spec = target.cluster.spec
    shape, other = (spec.scheduler, "worker") if role == "scheduler" else (spec.worker, "scheduler")
    # A field that has its default is left out, so that one which a later version brings changes no mark.
    asked: dict[str, Any] = spec.model_dump(mode="json", exclude_defaults=True, exclude={other})
    for path in IN_PLACE:
        _remove(asked, path.split("."))
    asked.pop("image", None)
    _leave_what_is_the_others(asked, shape)
    of_shape = asked.setdefault(role, {})
    of_shape.pop("image", None)
    of_shape |= {"cpu": shape.cpu_units, "memory": shape.memory_mib}  # however they are written
    # What the operator's settings make of no image at all is not the user's edit.
    default = "gpu" if spec.worker.gpu and not spec.worker.image else ""
    image = shape.image or spec.image or default
    return SpecMark(image=names.short_hash(image, length=8), rest=names.short_hash(json.dumps(asked, sort_keys=True)))


def _leave_what_is_the_others(asked: dict[str, Any], shape: Scheduler | Worker) -> None:
    """Take out volumes that this role does not mount, and networks in whose place it has its own."""
    mounted = {point.source_volume for point in shape.all_mount_points}
    if volumes := [volume for volume in asked.pop("volumes", ()) if volume["name"] in mounted]:
        asked["volumes"] = volumes
    for path, own in (("network.subnets", shape.subnets), ("network.securityGroups", shape.security_groups)):
        if own:
            _remove(asked, path.split("."))


def _remove(tree: dict[str, Any], path: list[str]) -> None:
    """Take a field out, and what it leaves empty."""
    first, *rest = path
    if not rest:
        tree.pop(first, None)
    elif first in tree:
        _remove(tree[first], rest)
        if not tree[first]:
            del tree[first]
