"""Whether a cluster idles: no client is connected, no result is kept, and nothing is to be computed."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING

from dask_ecs.api.conditions import find_condition
from dask_ecs.api.duration import parse_duration

if TYPE_CHECKING:
    from dask_ecs.plan.observed import Observed
    from dask_ecs.plan.target import Target
    from dask_ecs.plan.tasks import Tasks

# Dask's own end of an idle scheduler asks for no client, not even for one that keeps results there: it has to be
# longer than anybody leaves a notebook open, and is for a scheduler that the operator can not reach.
_BACKSTOP = datetime.timedelta(hours=24)

# Two looks at the same idleness differ by how long their answers took.
_TOLERANCE = datetime.timedelta(seconds=5)

# Workers are awaited for so long: machines and large images take minutes, and what is longer on its way may never come.
_ON_THEIR_WAY = datetime.timedelta(minutes=30)

# How soon to look for an answer that is young enough.
_SOON = datetime.timedelta(seconds=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Idleness:
    """Since when a cluster idles, and when it has done so for too long."""

    since: datetime.datetime | None = None
    """None: it does not idle, or nobody knows."""
    due: datetime.datetime | None = None
    asked_at: datetime.datetime | None = None
    """When the scheduler was asked for what it says of that."""
    held_until: datetime.datetime | None = None
    """Until when workers are awaited, and it does not idle whatever the scheduler says."""

    def is_over(self, now: datetime.datetime) -> bool:
        """Whether it has idled for too long, by what the scheduler has said when that time was over."""
        return self._is_due(now) and not self.awaits_answer(now)

    def awaits_answer(self, now: datetime.datetime) -> bool:
        """Whether it has, by what the scheduler said before: a client may have come since."""
        return self._is_due(now) and (self.asked_at is None or self.due is None or self.asked_at < self.due)

    def look_at(self, now: datetime.datetime) -> datetime.datetime | None:
        """Return when to look again."""
        return now + _SOON if self.awaits_answer(now) else self.due or self.held_until

    def _is_due(self, now: datetime.datetime) -> bool:
        return self.due is not None and self.due <= now


def of_cluster(target: Target, observed: Observed, tasks: Tasks, *, now: datetime.datetime) -> Idleness:
    """Return how a cluster idles, as the status remembers it and its scheduler says.

    It is counted from when the operator first saw it, or from when the scheduler last did something: so it is not lost
    with the operator, and never longer than it was. A scheduler that can not be reached does not idle, nor does a
    cluster whose workers are on their way; and whoever edits it has just been there.
    """
    probe, before, limit = observed.probe, target.cluster.status.idle_since, _timeout(target)
    if probe is None or probe.identity is None or probe.address != tasks.scheduler_address or limit is None:
        return Idleness()
    since = datetime.datetime.fromisoformat(before) if before else None
    if probe.error:  # what it last said is still believed, but nothing is done on it
        return Idleness(since=since)
    if probe.idle_since is None:
        return Idleness()
    if (held_until := _workers_awaited_until(target, observed, tasks)) and now < held_until:
        return Idleness(held_until=held_until)
    if since is None or target.cluster.metadata.generation != target.cluster.status.observed_generation:
        since = now
    elif probe.idle_since - since > _TOLERANCE:
        since = probe.idle_since
    return Idleness(since=since, due=since + limit, asked_at=probe.asked_at)


def _workers_awaited_until(target: Target, observed: Observed, tasks: Tasks) -> datetime.datetime | None:
    """Return until when workers are awaited that are wanted and have not joined; None: all have, or can not.

    It is counted from what they are missing since, not from when each was run: successors of those that failed to join
    would keep the cluster for ever.
    """
    missing = target.cluster.spec.worker.replicas - len(tasks.joined)
    if missing <= 0 or "worker" in tasks.backoffs or any(hold.waits_for_user for hold in observed.holds.values()):
        return None
    ready = find_condition(target.cluster.status.conditions, "WorkersReady")
    not_ready_since = (
        datetime.datetime.fromisoformat(ready.last_transition_time) if ready and ready.status == "False" else None
    )
    started_at = tasks.scheduler.created_at if tasks.scheduler else None
    began = [moment for moment in (started_at, observed.edited_at, not_ready_since) if moment]
    return max(began) + _ON_THEIR_WAY if began else None


def backstop(target: Target) -> datetime.timedelta | None:
    """Return after which idleness Dask ends the scheduler by itself, None: never."""
    limit = _timeout(target)
    return max(_BACKSTOP, 2 * limit) if limit else None


def _timeout(target: Target) -> datetime.timedelta | None:
    """Return for how long the cluster may idle, None: for ever. An external scheduler is not the operator's to end."""
    scheduler = target.cluster.spec.scheduler
    return None if scheduler.address else parse_duration(scheduler.idle_timeout) or None
