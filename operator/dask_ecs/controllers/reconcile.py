"""One object's way: observe, plan, act, status."""

import asyncio
import collections
import contextlib
import datetime
import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any

from dask_ecs.api import annotation
from dask_ecs.api.daskcluster import DaskCluster, InvalidDaskClusterError
from dask_ecs.api.daskcluster import ObjectMeta as Metadata
from dask_ecs.api.spec import DaskClusterSpec
from dask_ecs.api.status import DaskClusterStatus, LaunchPlace
from dask_ecs.aws.session import Sessions
from dask_ecs.controllers import news, observe
from dask_ecs.controllers.actor import Actor
from dask_ecs.controllers.bindings import Bindings
from dask_ecs.controllers.drift import Drift
from dask_ecs.controllers.launch_queue import Granted, LaunchQueue, Waiting
from dask_ecs.controllers.memory import Memory
from dask_ecs.controllers.objects import FINALIZER, GoneError, Objects
from dask_ecs.controllers.prober import Prober
from dask_ecs.controllers.queue import WorkQueue
from dask_ecs.controllers.recorder import Recorder
from dask_ecs.controllers.shared import SharedAnswers
from dask_ecs.controllers.store import Body, Store, is_settled, key_of
from dask_ecs.controllers.task_watcher import TaskWatchers
from dask_ecs.controllers.users import Users
from dask_ecs.plan import actions, cluster, infrastructure, made, other_account, pause, quota, status
from dask_ecs.plan.action import Action
from dask_ecs.plan.observed import Observed, Role
from dask_ecs.plan.security_group import Rule
from dask_ecs.plan.settings import Settings
from dask_ecs.plan.target import Target

logger = logging.getLogger(__name__)

# A look that leads to an action leads to another look at once; so many, then others have their turn.
MOST_PASSES = 10

# Specs of which is kept what was worked out.
WORKED_OUT = 200

# Seconds in which what only tells how far things have come is gathered for one write of the status; also while so many
# objects wait to be looked at.
_PROGRESS_INTERVAL, _PROGRESS_INTERVAL_OF_MANY = 2.5, 10.0
_MANY = 50

# Seconds: a shorter wait for AWS's launch rate is not told, and what is told is not told anew sooner.
_QUEUE_WORTH_TELLING = 2.0
_QUEUE_NEWS = 15.0


class Reconciler:
    """Brings objects to what their specs say, one key at a time."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        queue: WorkQueue,
        objects: Objects,
        recorder: Recorder,
        bindings: Bindings,
        sessions: Sessions,
        resync: float,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._settings = settings
        self._store = store
        self._queue = queue
        self._objects = objects
        self._recorder = recorder
        self._sessions = sessions
        self._now = now
        self._memories: dict[str, Memory] = {}
        # By UID and generation; those that were looked at last will be again soon.
        self._worked_out: Callable[[str, int], dict[Any, Any]] = functools.lru_cache(WORKED_OUT)(lambda *_: {})
        self.failures: collections.Counter[str] = collections.Counter()
        """Of each key, how often in a row its reconcile has raised what nobody expected."""
        self._keys: dict[str, str] = {}  # of UIDs
        self._uids: dict[str, str] = {}  # of keys
        self._users = Users()
        self._ingress_by_status: dict[str, tuple[Rule, ...]] = {}  # of UIDs that were not looked at yet
        self._shared = SharedAnswers()
        self.watchers = TaskWatchers(install=settings.install, wake=self._wake)
        self._prober = Prober(wake=self._wake, now=now)
        self._actor = Actor(
            shared=self._shared,
            users=self._users,
            watchers=self.watchers,
            recorder=recorder,
            bindings=bindings,
            ingress_of=self._ingress_of,
            now=now,
        )
        self._drift = Drift(actor=self._actor, recorder=recorder, interval=resync)
        self._launch_queue = LaunchQueue(quotas_of=sessions.quotas, wake=functools.partial(self._wake, first=True))

    async def run(self) -> None:
        """Do what goes on in the background, until cancelled."""
        try:
            await self._prober.run()
        finally:
            await self._launch_queue.close()
            await self.watchers.close()

    def meet(self, body: Body) -> None:
        """Learn of an object that was there before the operator what it uses, so that nobody deletes that.

        One that was settled is looked at when its tasks have been listed: before, nothing could be said of it.
        """
        uid, status = body["metadata"]["uid"], body.get("status") or {}
        key, region = key_of(body), status.get("region")
        self._keys[uid] = key
        self._uids[key] = uid
        if region:
            things = made.used(status.get("made", ()), log_group=status.get("logGroup"))
            self._users.say(uid, region=region, things=things)
        if region and (arn := status.get("clusterArn")) and is_settled(body):
            self.watchers.of(self._sessions.region(region), arn).watch(uid, busy=False)
        else:
            self._queue.add(key)

    def has_started(self, key: str) -> bool:
        """Whether the object's scheduler was run: what is to be done then does not keep others from theirs."""
        memory = self._memories.get(self._uids.get(key, ""))
        return memory is not None and memory.started

    def _wake(self, uid: str, *, first: bool = False) -> None:
        if key := self._keys.get(uid):
            self._queue.add(key, first=first)

    async def reconcile(self, key: str) -> None:
        """Look at one object and do what it needs; ask the queue for the next look.

        Raises:
            ConflictError: the object has changed meanwhile.
            GoneError: it is gone.
            kubernetes.aio's ApiException: the API server did not do its part.

        """
        body = self._store.get(key)
        if key in self._uids and (body is None or body["metadata"]["uid"] != self._uids[key]):
            self._forget(key)
        if body is None:
            return
        try:
            found = self._target(body).cluster
        except InvalidDaskClusterError as error:
            await self._refuse(body, error)
            return
        self._keys[found.metadata.uid] = key
        self._uids[key] = found.metadata.uid
        if found.metadata.uid not in self._memories:
            self._memories[found.metadata.uid] = Memory.of(found, busy=not self._store.is_settled(key), now=self._now())
        memory = self._memories[found.metadata.uid]
        if not found.metadata.deletion_timestamp and FINALIZER not in found.metadata.finalizers:
            body = await self._objects.add_finalizer(body)
            self._store.put(body)
        for _ in range(MOST_PASSES):
            if await self._pass(key, memory):
                return
        self._queue.add(key)

    def _target(self, body: Body, *, as_it_runs: bool = False) -> Target:
        """Read an object: its spec once, and all else that follows from that.

        One that breaks the rules has run by older ones: to let it run, or to take it down, what keeps them is enough.
        """
        worked_out = self._worked_out(body["metadata"]["uid"], body["metadata"]["generation"])
        try:
            found = DaskCluster.read(body, spec=worked_out.get(DaskClusterSpec))
        except InvalidDaskClusterError:
            if not as_it_runs and "deletionTimestamp" not in body["metadata"]:
                raise
            return Target(cluster=DaskCluster.read_what_is_valid(body), settings=self._settings, worked_out={})
        worked_out[DaskClusterSpec] = found.spec
        return Target(cluster=found, settings=self._settings, worked_out=worked_out)

    async def _pass(self, key: str, memory: Memory) -> bool:
        """Do one round; return whether there is nothing more to do now."""
        body = self._store.get(key)
        if body is None:
            return True
        target = self._target(body)
        metadata, region = target.cluster.metadata, target.region
        if metadata.deletion_timestamp and FINALIZER not in metadata.finalizers:
            return True
        aws = self._sessions.region(region)
        account_id = await self._actor.account(aws, target)
        if elsewhere := other_account.status(target, account_id=account_id, now=self._now()):
            told = elsewhere.model_dump(mode="json", exclude_none=True)
            self._store.put(await self._objects.write_status(body, told))
            return True
        requested = annotation.value(metadata.annotations, annotation.RECONCILE_REQUESTED_AT)
        if requested != memory.requested and (arn := target.cluster.status.cluster_arn):
            self.watchers.of(aws, arn).look_now()
        wake = annotation.value(metadata.annotations, annotation.WAKE)
        if memory.see(metadata.generation, requested=requested, wake=wake, now=self._now()):
            self._shared.forget(region, fingerprints=memory.wanted)
        observed = await observe.observe(
            aws,
            target,
            memory,
            watchers=self.watchers,
            prober=self._prober,
            shared=self._shared.of(region),
            in_use=self._in_use(target),
            now=self._now(),
        )
        if cluster.awaits_first_look(target, observed):
            # The task watcher, then the prober, wakes it; only the first list is urgent.
            busy = observed.tasks is None
            observe.say_busy(aws, target, memory, observed, watchers=self.watchers, prober=self._prober, busy=busy)
            return True
        plan = cluster.plan(target, observed, now=self._now())
        memory.holds, memory.run_again_at = dict(plan.holds), plan.run_again_at
        memory.started = plan.status.scheduler_task_arn is not None
        if stale := memory.want(plan.infrastructure):
            # Other rules than before: what once came of these does not hold any more, for others came in between.
            self._shared.forget(region, fingerprints=stale)
            return False
        observe.say_busy(aws, target, memory, observed, watchers=self.watchers, prober=self._prober, busy=plan.busy)
        news.of_ended_tasks(self._recorder, metadata, observed, memory)
        if plan.gone:
            if observed.in_use != self._in_use(target):
                return False  # who used the same has left meanwhile
            self._users.leave(metadata.uid)
            await self._let_go(body)
            return True
        things = made.used(plan.status.made, log_group=plan.status.log_group)
        self._users.say(metadata.uid, region=region, things=things)
        for action in plan.actions:
            if isinstance(action, actions.ForgetLaunch):
                logger.info("%s", action)
                memory.forget_launch(action.token)
        todo, grants, queued = self._admit(target, plan.actions)
        before = memory.launches
        for action in todo:
            if isinstance(action, actions.RunTasks) and action.launch not in memory.launches:
                memory.launches = (*memory.launches, action.launch)
                memory.sent_once.add(action.launch.token)
        launches = status.written_ahead(memory.launches)
        # To say so only when RunTask has answered would be one more write.
        phase = "Launching" if launches and plan.status.phase == "Pending" else plan.status.phase
        said = plan.status.model_copy(update={"launches": launches, "launch": queued, "phase": phase})
        ahead = _has_to_be_written_ahead(todo, plan, target)
        wait = 0.0 if ahead else self._until_next_write(memory, before=target.cluster.status, said=said)
        if wait > 0:
            self._queue.add_after(key, wait)
        elif ahead or not todo:
            try:
                written = await self._objects.write_status(body, said.model_dump(mode="json", exclude_none=True))
            except BaseException:
                # Whatever the API server has made of it: they were never sent.
                memory.sent_once -= {entry.token for entry in memory.launches} - {entry.token for entry in before}
                memory.launches = before
                for grant in grants:
                    self._launch_queue.give_back(grant)
                raise
            self._store.put(written)
            memory.unsaid_since = None
            if set(said.made) < set(target.cluster.status.made):
                memory.answers.clear()  # a thing that is deleted may be made and deleted once more
            news.of_ready(self._recorder, metadata, said, memory)
            news.of_rest(self._recorder, target, said)
        if plan.wake_at:
            self._queue.add_after(key, (plan.wake_at - self._now()).total_seconds())
        if queued:
            self._queue.add_after(key, max(queued.eta_seconds / 2, _QUEUE_NEWS))
        if todo:
            # None is left behind half done when another one fails as nobody expected.
            doing = (self._actor.do(aws, target, memory, action) for action in todo)
            for failure in await asyncio.gather(*doing, return_exceptions=True):
                if failure:
                    raise failure
            return False
        if metadata.deletion_timestamp or pause.is_paused(target):
            return True
        return await self._look_again(key, target, memory, observed, plan)

    async def _look_again(
        self, key: str, target: Target, memory: Memory, observed: Observed, plan: cluster.Plan
    ) -> bool:
        """Look at what was made, when it is time; return whether there is nothing to say of it."""
        before, forgotten = memory.looked_for, False
        if self._drift.seconds_until_due(target, memory) == 0:
            made = [action for action in plan.infrastructure if observed.known.answer(action) is not None]
            await self._drift.look(self._sessions.region(target.region), target, memory, made)
            forgotten = memory.forget_objects()
        if due_in := self._drift.seconds_until_due(target, memory):
            self._queue.add_after(key, due_in)
        return memory.looked_for == before and not forgotten

    def _until_next_write(self, memory: Memory, *, before: DaskClusterStatus, said: DaskClusterStatus) -> float:
        """Return the seconds until a status that only tells how far things have come is written."""
        many = len(self._queue) >= _MANY
        # Of many that wait for their launch, most are launched before it could be said of all that they wait.
        first = not before.conditions
        if said == before or (not (first and many) and status.is_news(before, said)):
            return 0.0
        memory.unsaid_since = memory.unsaid_since or self._now()
        interval = _PROGRESS_INTERVAL_OF_MANY if many else _PROGRESS_INTERVAL
        return interval - (self._now() - memory.unsaid_since).total_seconds()

    def _admit(
        self, target: Target, planned: Iterable[Action[Any]]
    ) -> tuple[list[Action[Any]], list[Granted], LaunchPlace | None]:
        """Return what may be done now, what the launch queue has granted for it, and where the rest stands there."""
        metadata = target.cluster.metadata
        todo: list[Action[Any]] = []
        grants: list[Granted] = []
        waiting: dict[Role, Waiting] = {}
        launches = 0
        for action in planned:
            if isinstance(action, actions.RunTasks):
                launches += 1
                if action.launch.role in waiting:
                    continue
                asked = self._launch_queue.ask(
                    metadata.uid,
                    metadata.namespace,
                    region=target.region,
                    role=action.launch.role,
                    count=action.launch.count,
                    capacity=quota.capacity_of(action.request),
                )
                if isinstance(asked, Waiting):
                    waiting[action.launch.role] = asked
                    continue
                grants.append(asked)
            if not isinstance(action, actions.ForgetLaunch):
                todo.append(action)
        if not launches:
            self._launch_queue.withdraw(metadata.uid)
        first = next((place for place in waiting.values() if place.eta_seconds >= _QUEUE_WORTH_TELLING), None)
        if first is None:
            return todo, grants, None
        return todo, grants, LaunchPlace(queue_position=first.position, eta_seconds=round(first.eta_seconds))

    def _in_use(self, target: Target) -> frozenset[str]:
        """Return what of a cluster's things other clusters use too."""
        uid, things = target.cluster.metadata.uid, target.cluster.status.made
        return frozenset(thing for thing in things if self._users.has_others(uid, region=target.region, thing=thing))

    def _ingress_of(self, uid: str) -> tuple[Iterable[Rule], bool]:
        """Return what a cluster asks of its security group, and whether AWS refuses some of it."""
        memory = self._memories.get(uid)
        if memory and memory.ingress:
            self._ingress_by_status.pop(uid, None)
            hold = memory.holds.get("securityGroup")
            return memory.ingress, hold is not None and hold.waits_for_user
        if uid not in self._ingress_by_status and (body := self._store.get(self._keys.get(uid, ""))):
            with contextlib.suppress(InvalidDaskClusterError):
                self._ingress_by_status[uid] = infrastructure.ingress_by_status(self._target(body, as_it_runs=True))
        return self._ingress_by_status.get(uid, ()), False

    async def _let_go(self, body: Body) -> None:
        with contextlib.suppress(GoneError):
            # What comes before the watch tells that it is gone has nothing to do any more.
            self._store.put(await self._objects.remove_finalizer(body))
        logger.info("all that was made is gone")

    async def _refuse(self, body: Body, error: InvalidDaskClusterError) -> None:
        """Say of an object that an older CRD let through what is wrong with it."""
        metadata = Metadata.model_validate(body["metadata"])
        said = status.of_invalid(body.get("status") or {}, str(error), generation=metadata.generation, now=self._now())
        self._store.put(await self._objects.write_status(body, said))
        self._recorder.record(metadata, "Warning", reason="InvalidSpec", message=str(error))

    def _forget(self, key: str) -> None:
        uid = self._uids.pop(key)
        self._keys.pop(uid, None)
        self._memories.pop(uid, None)
        self._ingress_by_status.pop(uid, None)
        self.watchers.leave(uid)
        self._prober.leave(uid)
        self._launch_queue.withdraw(uid)
        self._users.leave(uid)
        self.failures.pop(key, None)


def _has_to_be_written_ahead(todo: Iterable[Action[Any]], plan: cluster.Plan, target: Target) -> bool:
    """Whether what is about to be done has to be found again if it is all that is ever heard of it."""
    doing = list(todo)
    before, said = target.cluster.status, plan.status
    if said.rest != before.rest or any(isinstance(action, actions.RunTasks) for action in doing):
        return True
    return bool(doing) and (said.made, said.account_id) != (before.made, before.account_id)
