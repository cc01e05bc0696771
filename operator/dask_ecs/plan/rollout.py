"""How an edit comes to the tasks that run already: which are of an older spec, and how many are replaced now."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from dask_ecs.plan import spec_mark
from dask_ecs.plan.spec_mark import SpecMark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dask_ecs.api.update_strategy import UpdateStrategy
    from dask_ecs.plan.held_image import HeldImage
    from dask_ecs.plan.observed import Role, Task
    from dask_ecs.plan.target import Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rollout:
    """How far the tasks are from the spec as it is now."""

    strategy: UpdateStrategy
    marks_of_new: Mapping[Role, SpecMark]
    """What a role's tasks carry that are run now: the spec as it is, but for an image that waits."""
    desired: int
    """Workers that are wanted."""
    scheduler_is_outdated: bool = False
    scheduler_is_starting: bool = False
    """So that nothing is lost with it."""
    outdated: tuple[Task, ...] = ()
    """Live workers that run an older spec."""
    waits_for_image: bool = False
    """The workers' new image is the scheduler's too, which runs the old one: both need the same versions of Dask."""

    @property
    def restarts(self) -> bool:
        """Whether all tasks are to be stopped, for another scheduler."""
        unasked = self.scheduler_is_starting and self.strategy.type == "RollingUpdate"
        return self.scheduler_is_outdated and (unasked or self.strategy.type == "Recreate")

    @property
    def is_rolling(self) -> bool:
        """Whether workers are being replaced in steps."""
        return bool(self.outdated) and self.strategy.type == "RollingUpdate" and not self.waits_for_image

    @property
    def is_moving(self) -> bool:
        """Whether tasks of an older spec are being replaced."""
        recreated = self.strategy.type == "Recreate" and bool(self.outdated)
        return self.restarts or recreated or self.is_rolling

    @property
    def most(self) -> int:
        """How many workers there may be at once."""
        return self.desired + (self.strategy.surge(self.desired) if self.is_rolling else 0)

    @property
    def fewest(self) -> int:
        """How many workers have to be there before one that has joined is taken away."""
        return max(self.desired - (self.strategy.unavailable(self.desired) if self.is_rolling else 0), 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """What to do about the workers now."""

    launch: int = 0
    stop: tuple[Task, ...] = ()
    """Of an older spec, with nothing to lose or by `Recreate`."""
    retire: int = 0
    """How many of an older spec that have joined."""
    excess: int = 0
    """How many are too many, of the spec as it is now or, where none is replaced, of any."""


def of_tasks(
    target: Target, scheduler: Task | None, workers: Sequence[Task], *, held: HeldImage | None = None
) -> Rollout:
    """Return how far a cluster's live tasks are from its spec; `held` is the image that its workers keep meanwhile."""
    spec = target.cluster.spec
    wanted, of_scheduler = spec_mark.of_role(target, "worker"), spec_mark.of_role(target, "scheduler")
    outdated = tuple(task for task in workers if _mark(task, wanted) != wanted)
    runs = _mark(scheduler, of_scheduler) if scheduler else of_scheduler
    return Rollout(
        strategy=spec.update_strategy,
        marks_of_new={
            "scheduler": of_scheduler,
            "worker": dataclasses.replace(wanted, image=held.mark) if held else wanted,
        },
        desired=spec.worker.replicas,
        scheduler_is_outdated=runs != of_scheduler,
        scheduler_is_starting=scheduler is not None and not scheduler.is_running,
        outdated=outdated,
        waits_for_image=held is not None,
    )


def _mark(task: Task, wanted: SpecMark) -> SpecMark:
    """Return what spec a task runs; one that does not tell is taken for what is wanted."""
    return SpecMark.read(task.spec_mark) if task.spec_mark else wanted


def of_workers(rollout: Rollout, *, workers: Sequence[Task], joined: Sequence[Task], pending: int) -> Change:
    """Return the next step towards as many workers as are wanted, all of the spec as it is now.

    Args:
        rollout: how far they are.
        workers: the live ones, `joined` those of them whom the scheduler knows.
        joined: see `workers`.
        pending: more of them on their way, not seen yet.

    """
    desired = rollout.desired
    if rollout.outdated and rollout.strategy.type == "Recreate":
        return Change(stop=rollout.outdated)
    if not rollout.is_rolling:
        return Change(launch=max(desired - len(workers) - pending, 0), excess=max(len(workers) - desired, 0))
    current = len(workers) - len(rollout.outdated)
    room = rollout.most - len(workers) - pending
    known = set(joined)
    outdated_joined = sum(task in known for task in rollout.outdated)
    return Change(
        launch=max(min(desired - current - pending, room), 0),
        stop=tuple(task for task in rollout.outdated if task not in known),
        retire=max(min(outdated_joined, len(known) - rollout.fewest), 0),
        excess=max(current - desired, 0),
    )
