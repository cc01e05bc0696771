"""Carrying out actions: what is shared once, deletions under a lock, failures put off and told."""

import asyncio
import contextlib
import datetime
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from dask_ecs.aws.errors import AwsError, Kind, NotOursError, UnknownOutcomeError
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.controllers import act
from dask_ecs.controllers.bindings import BindingError, Bindings
from dask_ecs.controllers.memory import Memory
from dask_ecs.controllers.recorder import Recorder
from dask_ecs.controllers.shared import SharedAnswers
from dask_ecs.controllers.task_watcher import TaskWatchers
from dask_ecs.controllers.users import Users
from dask_ecs.dask.errors import SchedulerError
from dask_ecs.plan import actions
from dask_ecs.plan.action import Action
from dask_ecs.plan.bindings import EnsureObject, last_written
from dask_ecs.plan.problems import NeedsUser
from dask_ecs.plan.security_group import Asked, Rule
from dask_ecs.plan.target import Target

logger = logging.getLogger(__name__)

# What users are told of as it happens; the rest they see in the conditions.
_ANNOUNCED: dict[type[Action[Any]], str] = {
    actions.RunTasks: "Launching",
    actions.StopTask: "Stopping",
    actions.RetireWorkers: "Retiring",
}


class Actor:
    """Does what was planned, and remembers what came of it."""

    def __init__(
        self,
        *,
        shared: SharedAnswers,
        users: Users,
        watchers: TaskWatchers,
        recorder: Recorder,
        bindings: Bindings,
        ingress_of: Callable[[str], tuple[Iterable[Rule], bool]],
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._shared = shared
        self._users = users
        self._watchers = watchers
        self._recorder = recorder
        self._bindings = bindings
        self._ingress_of = ingress_of
        self._now = now

    async def do(self, aws: Aws, target: Target, memory: Memory, action: Action[Any]) -> None:
        """Do one action; what AWS or a scheduler does not do is a hold in the memory, never raised."""
        metadata = target.cluster.metadata
        logger.info("%s", action)
        try:
            if isinstance(action, actions.RunTasks):
                await self._run_tasks(aws, target, memory, action)
            elif isinstance(action, EnsureObject):
                await self._ensure_object(target, memory, action)
            else:
                await self._act(aws, target, memory, action)
        except (AwsError, NeedsUser, SchedulerError, BindingError) as error:
            self._hold(target, memory, action, error)
            return
        if memory.holds.get(action.subject) and not isinstance(action, actions.RunTasks):
            del memory.holds[action.subject]
        if reason := _ANNOUNCED.get(type(action)):
            self._recorder.record(metadata, "Normal", reason=reason, message=_sentence(str(action)))

    async def look_again(
        self, aws: Aws, target: Target, memory: Memory, action: Action[Any], *, older_than: float, tell: Tell
    ) -> None:
        """Do a shared action once more if it was done last before this moment of the loop's clock.

        Raises:
            AwsError, NeedsUser: it could not be done.

        """
        await self._shared.again(aws.region, action, self._doing(aws, target, action, tell=tell), older_than=older_than)

    async def account(self, aws: Aws, target: Target) -> str | None:
        """Return of which account the operator's credentials are; None if AWS does not tell, or nothing is made."""
        action = actions.IdentifyAccount()
        if target.cluster.status.account_id is None:
            return None
        with contextlib.suppress(AwsError):
            answer: str = await self._shared.get(aws.region, action, self._doing(aws, target, action))
            return answer
        return None

    def _doing(
        self, aws: Aws, target: Target, action: Action[Any], *, tell: Tell = nobody
    ) -> Callable[[], Coroutine[Any, Any, Any]]:
        return lambda: act.act(
            aws,
            action,
            own_tags=target.own_tags,
            others_ingress=lambda: self._others_ingress(target, action.thing or ""),
            watchers=self._watchers,
            tell=tell,
            now=self._now(),
        )

    async def _ensure_object(self, target: Target, memory: Memory, action: EnsureObject) -> None:
        before = memory.objects.get(action.fingerprint) or last_written(target.cluster.status, action.kind)
        told: list[str] = []
        digest = await self._bindings.ensure(target.cluster.metadata, action, tell=told.append)
        memory.answers[action.fingerprint] = memory.objects[action.fingerprint] = digest
        # What we want otherwise than we did is no drift.
        for sentence in told if before == digest else ():
            logger.warning("%s", sentence)
            self._recorder.record(target.cluster.metadata, "Warning", reason="DriftMended", message=sentence)

    async def _act(self, aws: Aws, target: Target, memory: Memory, action: Action[Any]) -> None:
        do = self._doing(aws, target, action)
        if action.is_shared:
            await self._shared.get(aws.region, action, do)
        elif action.thing:
            await self._delete(target, memory, action, do)
        else:
            memory.answers[action.fingerprint] = await do()

    async def _delete(
        self, target: Target, memory: Memory, action: Action[Any], do: Callable[[], Coroutine[Any, Any, Any]]
    ) -> None:
        """Delete a thing, unless somebody has begun to use it meanwhile; whoever begins now has it made anew.

        What does not carry our tags is left, and that is told.
        """
        thing, region = action.thing or "", target.region
        async with self._shared.lock(region, thing):
            used = self._users.has_others(target.cluster.metadata.uid, region=region, thing=thing)
            if used != isinstance(action, actions.ReviseSecurityGroup):
                return
            asked = set(memory.ingress or ())
            if used and asked and asked <= (await self._others_ingress(target, thing)).rules:
                memory.answers[action.fingerprint] = True  # there is nothing to take from it
                return
            self._shared.forget(region, thing=thing)
            try:
                memory.answers[action.fingerprint] = await do()
            except NotOursError as error:
                self._recorder.record(target.cluster.metadata, "Warning", reason="LeftBehind", message=error.message)
                memory.answers[action.fingerprint] = True

    async def _others_ingress(self, target: Target, thing: str) -> Asked:
        """Return what the other users of a security group ask of it."""
        asked: tuple[set[Rule], set[Rule]] = (set(), set())
        for uid in self._users.others(target.cluster.metadata.uid, region=target.region, thing=thing):
            rules, refused = self._ingress_of(uid)
            asked[refused].update(rules)
            await asyncio.sleep(0)  # there may be a thousand, each of which has to be read after a start
        return Asked(rules=frozenset(asked[False]), refused=frozenset(asked[True]))

    async def _run_tasks(self, aws: Aws, target: Target, memory: Memory, action: actions.RunTasks) -> None:
        try:
            not_placed = await act.run_tasks(aws, action, watchers=self._watchers)
        except AwsError as error:
            # Only the refusal of the one and only sending says that nothing was started. Else the launch stays written
            # ahead, to be sent again with the same token: an earlier sending may have been carried out.
            unknown = isinstance(error, UnknownOutcomeError) or error.kind is Kind.CONFLICT or error.sent_again
            if action.launch.token in memory.sent_once and not unknown:
                memory.forget_launch(action.launch.token)
            else:
                memory.keep_launch(action.launch.token, sent_until=self._now())
            raise
        finally:
            memory.sent_once.discard(action.launch.token)
        memory.forget_launch(action.launch.token)
        if not_placed:
            raise not_placed
        memory.holds.pop(action.subject, None)

    def _hold(
        self,
        target: Target,
        memory: Memory,
        action: Action[Any],
        error: AwsError | NeedsUser | SchedulerError | BindingError,
    ) -> None:
        metadata = target.cluster.metadata
        transient, waits, request_id = True, False, ""
        if isinstance(error, AwsError):
            reason, message, request_id = error.reason, f"Could not {action}. {error.advice}", error.request_id
            transient = error.kind in (Kind.RETRY_SOON, Kind.CONFLICT)
            waits = error.kind is Kind.NEEDS_USER
        elif isinstance(error, NeedsUser):
            reason, message, transient, waits = error.reason, error.message, False, True
        elif isinstance(error, BindingError):
            reason, message = "KubernetesUnavailable", f"Could not {action}: {error}."
        else:
            reason, message = "SchedulerUnreachable", f"Could not {action}: {error}"
        level = logging.INFO if transient else logging.WARNING
        logger.log(level, "could not %s: %s", action, error, extra={"awsRequestId": request_id})
        hold = memory.hold(
            action.subject,
            reason=reason,
            message=message,
            generation=metadata.generation,
            transient=transient,
            waits_for_user=waits,
            now=self._now(),
        )
        if hold.is_news:
            self._recorder.record(metadata, "Warning", reason=reason, message=message)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
