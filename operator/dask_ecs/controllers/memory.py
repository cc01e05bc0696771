"""What the operator remembers of one object between two looks; all of it can be found again."""

import dataclasses
import datetime
import functools
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from dask_ecs.api import annotation
from dask_ecs.api.conditions import rfc3339
from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.api.status import DaskClusterStatus
from dask_ecs.plan import recall
from dask_ecs.plan.action import Action, Subject
from dask_ecs.plan.actions import EnsureSecurityGroup
from dask_ecs.plan.backoff import delay
from dask_ecs.plan.bindings import EnsureObject
from dask_ecs.plan.observed import NEWS_AFTER, Hold, Known, Launch
from dask_ecs.plan.security_group import Rule

T = TypeVar("T")


@dataclasses.dataclass(kw_only=True)
class Memory:
    """Of one object: what came of its actions, what AWS did not do, and the launches without a known outcome."""

    launches: tuple[Launch, ...]
    answers: dict[str, Any] = dataclasses.field(default_factory=dict)
    objects: dict[str, str] = dataclasses.field(default_factory=dict)  # digests of what was written in Kubernetes
    trusts_objects: bool = True  # what was written in Kubernetes before this operator's start is still so
    wanted: tuple[str, ...] = ()  # fingerprints of what the last plan wanted to be there besides tasks
    ingress: tuple[Rule, ...] | None = None  # what the last plan asked of the security group
    holds: dict[Subject, Hold] = dataclasses.field(default_factory=dict)
    trusts_status: bool = True  # what came of actions before this operator's start is still so
    busy: bool = True  # its tasks, or what its scheduler says, are awaited
    sent_once: set[str] = dataclasses.field(default_factory=set)  # tokens of launches that were not sent before
    log_tails: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    log_tails_complete: dict[str, bool] = dataclasses.field(default_factory=dict)
    ended: set[str] | None = None  # stopped tasks that the user was told of; None before the first look
    started: bool = False  # its scheduler was run
    ready: bool | None = None
    unsaid_since: datetime.datetime | None = None  # since when the status lacks something that may wait
    generation: int = 0
    requested: str | None = None  # the last asking for a look at everything
    looked_for: str | None = None  # the last asking for which everything was looked at
    wake: str | None = None  # the last asking for a start
    edited_at: datetime.datetime | None = None  # None: not since anybody has looked
    look_again_at: float | None = None  # by the loop's clock, when what was made is to be looked at again
    run_again_at: datetime.datetime | None = None  # None: nothing waits to be run again

    @classmethod
    def of(cls, cluster: DaskCluster, *, busy: bool, now: datetime.datetime) -> "Memory":
        """Start from what the status holds: the launches that were written ahead by whoever was here before.

        Nobody knows when these were last sent; it may have been just before now.
        """
        launches = tuple(
            Launch(
                token=entry.token,
                role=entry.role,
                count=entry.count,
                request_hash=entry.request_hash,
                written_at=datetime.datetime.fromisoformat(entry.time),
                capacity_provider=entry.capacity_provider,
                worker_name=entry.worker_name,
                sent_until=now,
            )
            for entry in cluster.status.launches
        )
        return cls(
            launches=launches,
            busy=busy,
            generation=cluster.status.observed_generation or cluster.metadata.generation,
            requested=cluster.status.last_handled_reconcile_at,
            looked_for=cluster.status.last_handled_reconcile_at,
            wake=annotation.value(cluster.metadata.annotations, annotation.WAKE),
        )

    def see(
        self, generation: int, *, requested: str | None = None, wake: str | None = None, now: datetime.datetime
    ) -> bool:
        """Notice an edit of the spec, or what an annotation asks for; return whether all is to be made anew.

        `requested` asks for a look, `wake` for a start as an edit does.

        Whoever asks for a look has what waits for its time tried at once. Before tasks that could not start are run
        again, have all that they need looked at, and made where it is missing: somebody may have deleted it.
        """
        edited, asked = (generation, wake) != (self.generation, self.wake), requested not in (None, self.requested)
        self.generation, self.requested, self.wake = generation, requested, wake
        if edited or asked:
            self.edited_at = now
        if asked:
            self.holds.clear()
            self.answers.clear()
        if self.run_again_at and (edited or asked or self.run_again_at <= now):
            self.run_again_at = None
            self.answers.clear()
            self.trusts_status = False
            return True
        return False

    def known(self, status: DaskClusterStatus, shared: Mapping[str, Any]) -> Known:
        """Return what came of the actions so far."""
        recalled = functools.partial(self._recall, status) if self.trusts_status else None
        return Known(answers=self.answers, shared=shared, recall=recalled)

    def _recall(self, status: DaskClusterStatus, action: Action[Any]) -> Any:
        if isinstance(action, EnsureObject) and not self.trusts_objects:
            return None
        return recall.recall(status, action)

    def want(self, infrastructure: Iterable[Action[Any]]) -> tuple[str, ...]:
        """Remember what has to be there, as little as that takes: clusters that want the same share it.

        Return the fingerprint of the security group if other rules are asked of it than before.
        """
        found = list(infrastructure)
        self.wanted = _same(tuple(action.fingerprint for action in found))
        group = next((action for action in found if isinstance(action, EnsureSecurityGroup)), None)
        if group is None:  # it is not planned yet, or any more: what was asked of it last still stands
            return ()
        before, self.ingress = self.ingress, _same(group.rules)
        return (group.fingerprint,) if before not in (None, group.rules) else ()

    @property
    def has_lost_launches(self) -> bool:
        """Whether the tasks of some launches have to be looked for; those that are being sent have an answer soon."""
        return any(entry.token not in self.sent_once for entry in self.launches)

    def forget_objects(self) -> bool:
        """Have the objects that belong to the cluster in Kubernetes looked at anew; return whether there are any."""
        trusted, self.trusts_objects = self.trusts_objects, False
        for fingerprint in self.objects:
            self.answers.pop(fingerprint, None)
        return trusted or bool(self.objects)

    def keep_launch(self, token: str, *, sent_until: datetime.datetime) -> None:
        """Remember of a launch that AWS gave no clear answer to it: what it has started may be unseen from then on."""
        self.launches = tuple(
            dataclasses.replace(entry, sent_until=sent_until) if entry.token == token else entry
            for entry in self.launches
        )

    def forget_launch(self, token: str) -> None:
        """Strike a launch whose outcome is known."""
        self.launches = tuple(entry for entry in self.launches if entry.token != token)

    def hold(
        self,
        subject: Subject,
        *,
        reason: str,
        message: str,
        generation: int,
        transient: bool,
        waits_for_user: bool,
        now: datetime.datetime,
    ) -> Hold:
        """Put off whatever is of this subject: for seconds what ends by itself, longer each time what does not."""
        before = self.holds.get(subject)
        same = before is not None and before.generation == generation and before.reason == reason
        attempts = before.attempts if before and same else 1
        if before and same and before.retry_at <= now:  # else it is one more call of the same round
            attempts += 1
        longest = _SOON_AT_FIRST if attempts <= NEWS_AFTER else _SOON_AT_MOST
        wait = delay(attempts, first=_SOON, longest=longest) if transient else delay(attempts)
        if attempts == 1:
            wait = _FIRST.get(reason, wait)
        hold = Hold(
            subject=subject,
            reason=reason,
            message=f"{message} It is tried again at {rfc3339(now + wait)}.",
            attempts=attempts,
            retry_at=now + wait,
            generation=generation,
            waits_for_user=waits_for_user or attempts >= _PATIENCE,
            transient=transient,
        )
        self.holds[subject] = hold
        return hold


@functools.lru_cache(maxsize=10_000)
def _same(value: T) -> T:
    """Return the first value that equals this one."""
    return value


# What was to end by itself and has not after so many attempts, some three minutes, is for somebody to look at.
_PATIENCE = 10

_SOON = datetime.timedelta(seconds=1)
_SOON_AT_FIRST = datetime.timedelta(seconds=2)
_SOON_AT_MOST = datetime.timedelta(seconds=30)

# How long to wait at first for what usually ends after a time of its own: a new role can be assumed after some ten
# seconds, and never sooner than this; what a task that has just ended took of an instance is free when ECS is done
# with the task.
_FIRST = {
    "RoleNotAssumable": datetime.timedelta(seconds=2),
    **dict.fromkeys(("NoGPUs", "NoRoomOnInstances", "NoNetworkInterfaces", "PortInUse"), datetime.timedelta(seconds=2)),
}
