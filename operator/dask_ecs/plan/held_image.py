"""Which image workers run while their scheduler runs an older one than the spec names: that which fits it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from dask_ecs.api.status import ImageDigest
from dask_ecs.plan import backoff, spec_mark
from dask_ecs.plan.pins import reference
from dask_ecs.plan.spec_mark import SpecMark

if TYPE_CHECKING:
    from dask_ecs.plan.observed import Observed, Task
    from dask_ecs.plan.target import Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeldImage:
    """An image of an older spec: what it is pulled by, and the hash of what that spec named."""

    name: str
    mark: str


def of_workers(target: Target, observed: Observed) -> HeldImage | None:
    """Return the image that workers run until their scheduler is another one; None: the one that the spec names.

    It is that of the workers that run, else the scheduler's where the spec gives both the same. One that never worked
    for workers holds nobody to it, and a scheduler that is about to be replaced neither.
    """
    spec = target.cluster.spec
    scheduler = next((task for task in observed.of_role("scheduler") if task.is_live), None)
    if scheduler is None or spec.scheduler.address or spec.worker.task_definition_arn:
        return None
    if spec.update_strategy.type == "Recreate" or not (scheduler.is_running or spec.update_strategy.type == "OnDelete"):
        return None
    if (of_scheduler := _image_mark(scheduler)) in (None, spec_mark.of_role(target, "scheduler").image):
        return None
    workers = [task for task in observed.of_role("worker") if task.scheduler_address == scheduler.address]
    wanted = spec_mark.of_role(target, "worker").image
    older = [task for task in workers if _image_mark(task) not in (None, wanted)]
    worked = any(task.is_running or backoff.lasted(task) for task in older)
    if not worked and any(backoff.failed_to_last(task) for task in older):
        return None
    live = [task for task in workers if task.is_live]
    if live_older := [task for task in older if task.is_live]:
        return _held(live_older[-1])
    is_shared = of_scheduler != wanted and target.image_of("worker") == target.image_of("scheduler")
    return _held(scheduler) if is_shared and not live and not spec.scheduler.task_definition_arn else None


def _held(task: Task) -> HeldImage | None:
    mark = _image_mark(task)
    if task.image is None or mark is None:
        return None
    if task.image_digest is None or "@" in task.image:
        return HeldImage(name=task.image, mark=mark)
    return HeldImage(name=reference(ImageDigest(image=task.image, digest=task.image_digest)), mark=mark)


def _image_mark(task: Task) -> str | None:
    return SpecMark.read(task.spec_mark).image if task.spec_mark else None
