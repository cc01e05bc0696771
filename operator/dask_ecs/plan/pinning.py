"""A tag is what the first task resolved it to: later ones get the same image, whatever was pushed meanwhile.

ECS does so for its services, not for tasks that RunTask starts, and RunTask's overrides know no image. So it takes a
task definition that names the digest. It is made only when another task is needed after the first ones: most clusters
never need it.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from dask_ecs.api.status import ImageDigest, ImageDigests
from dask_ecs.plan import backoff, made, spec_mark
from dask_ecs.plan.pins import Pins, reference
from dask_ecs.plan.spec_mark import SpecMark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dask_ecs.plan.observed import Observed, Role, Task
    from dask_ecs.plan.target import Target


def resolve(target: Target, observed: Observed) -> ImageDigests:
    """Return what the roles' tags mean for the cluster: what it was once, as long as the spec asks for the same.

    A rest ends that: tasks from before it, which may still be ending, tell nothing of the cluster's next life. And what
    never worked holds nobody to it: it may have been mended under the same tag.
    """
    found: dict[Role, ImageDigest] = {}
    rest = target.cluster.status.rest
    if (rest and rest.ended_at is None) or _nothing_worked(observed):
        return ImageDigests()
    for role in target.cluster.spec.roles:
        if resolved := _resolve(target, role, observed, of_scheduler=found.get("scheduler")):
            found[role] = resolved
    return ImageDigests(scheduler=found.get("scheduler"), worker=found.get("worker"))


def _nothing_worked(observed: Observed) -> bool:
    """Whether all tasks that were run have ended young."""
    if not observed.tasks or observed.launches:
        return False
    return not any(task.is_live or backoff.lasted(task) for task in observed.tasks)


def _resolve(target: Target, role: Role, observed: Observed, *, of_scheduler: ImageDigest | None) -> ImageDigest | None:
    spec, image = target.cluster.spec, target.image_of(role)
    digests = target.cluster.status.image_digests
    before = digests.scheduler if role == "scheduler" else digests.worker
    if spec.role(role).task_definition_arn:
        return None
    if before and (before.image == image or _is_former_default(target, role, observed, before.image)):
        return before
    if "@" in image:
        return None
    if role == "worker" and _scheduler_image(target) == image:
        # Workers need the scheduler's versions of Dask. The first ones start beside it, before anything is known.
        started = any(task.is_live for task in observed.of_role("worker"))
        return of_scheduler if started or not spec.worker.replicas else None
    rest = target.cluster.status.rest
    since = datetime.datetime.fromisoformat(rest.ended_at) if rest and rest.ended_at else None
    told = [
        task
        for task in observed.of_role(role)
        if task.is_live and task.image == image and task.image_digest and (since is None or task.created_at >= since)
    ]
    return ImageDigest(image=image, digest=told[0].image_digest or "") if told else None


def _scheduler_image(target: Target) -> str | None:
    spec = target.cluster.spec
    is_ours = "scheduler" in spec.roles and not spec.scheduler.task_definition_arn
    return target.image_of("scheduler") if is_ours else None


def _is_former_default(target: Target, role: Role, observed: Observed, image: str) -> bool:
    """Whether nobody names an image and the operator's default was another when the cluster started."""
    spec, settings = target.cluster.spec, target.settings
    if spec.role(role).image or spec.image or image in (settings.default_image, settings.default_gpu_image):
        return False
    # With GPUs or without, as the tasks that run tell: that is the user's edit.
    asked = spec_mark.of_role(target, role).image
    live = (task.spec_mark for task in observed.of_role(role) if task.is_live)
    return all(SpecMark.read(mark).image == asked for mark in live if mark)


def pins(target: Target, observed: Observed, resolved: ImageDigests) -> Pins:
    """Return the images that are named by their digests from now on."""

    def due(role: Role, found: ImageDigest | None) -> str | None:
        return pin if found and _is_due(target, observed, role, pin := reference(found)) else None

    return Pins(scheduler=due("scheduler", resolved.scheduler), worker=due("worker", resolved.worker))


def _is_due(target: Target, observed: Observed, role: Role, pin: str) -> bool:
    """Whether a definition with the digest is there, or has to be: another one has, or more tasks are wanted."""
    listed = target.cluster.status.made
    if _listed_name(target, role, pin) in listed or _listed_name(target, role, None) not in listed:
        return True
    # A launch without a known outcome is sent again as it was.
    if observed.tasks is None or any(entry.role == role for entry in observed.launches):
        return False
    mark = str(spec_mark.of_role(target, role))
    live = [task for task in observed.of_role(role) if task.is_live and not task.is_draining]
    if role == "scheduler":
        return not live
    return sum(task.spec_mark in (None, mark) for task in live) < target.cluster.spec.worker.replicas


def _listed_name(target: Target, role: Role, image: str | None) -> str:
    return str(made.Made("task-definition", made.family(target, role, image)))


def definitions_alike(target: Target, role: Role, definition: str, tasks: Iterable[Task]) -> frozenset[str]:
    """Return the ARN of a role's task definition, and of the one that differs from it in nothing but the pin."""
    unpinned = made.family(target, role)
    return frozenset(
        {definition, *(arn for task in tasks if made.family_of(arn := task.task_definition_arn) == unpinned)}
    )


def moved(resolved: ImageDigests, observed: Observed) -> str | None:
    """Return what to say of tasks that started before the pin and met another image under the tag; None: none did."""
    told: dict[tuple[ImageDigest, str], int] = {}
    for role, one in (("scheduler", resolved.scheduler), ("worker", resolved.worker)):
        for task in observed.tasks or ():
            is_other = one and task.image == one.image and task.image_digest not in (None, one.digest)
            if one and is_other and task.role == role and task.is_live:
                key = (one, task.image_digest or "")
                told[key] = told.get(key, 0) + 1
    if not told:
        return None
    which = "; ".join(
        f"{count} of the tasks run {other} and the first ran {one.digest} of {one.image}"
        for (one, other), count in told.items()
    )
    return (
        f"{which}: another image was pushed under the tag while they started. Stop these tasks (`aws ecs stop-task`), "
        "and the first image takes their place; or name an image by a tag that does not move."
    )
