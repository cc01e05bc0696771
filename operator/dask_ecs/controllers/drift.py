"""Looking again at what was made on AWS, for somebody may have changed it: now and then, and when asked to."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.session import Aws
from dask_ecs.controllers.actor import Actor
from dask_ecs.controllers.memory import Memory
from dask_ecs.controllers.recorder import Recorder
from dask_ecs.plan import names
from dask_ecs.plan.action import Action
from dask_ecs.plan.actions import EnsureLogGroup
from dask_ecs.plan.problems import NeedsUser
from dask_ecs.plan.target import Target

logger = logging.getLogger(__name__)

# Share of the interval after which what many use is looked at again by whoever is first, and by nobody else until then.
_FRESH = 0.9

# Share of the interval in which an operator that has just started looks at nothing again: it has enough to find.
_SETTLING = 0.1


class Drift:
    """Has each cluster's things looked at once in `interval` seconds (0: only when asked to), spread over it."""

    def __init__(self, *, actor: Actor, recorder: Recorder, interval: float) -> None:
        self._actor = actor
        self._recorder = recorder
        self._interval = interval

    def seconds_until_due(self, target: Target, memory: Memory) -> float | None:
        """Return in how many seconds a cluster's things are to be looked at, None for never."""
        if memory.requested not in (None, memory.looked_for):
            return 0.0
        if not self._interval:
            return None
        now = asyncio.get_running_loop().time()
        if memory.look_again_at is None:
            # Clusters that were all met at once, as at the operator's start, take turns.
            phase = int(names.short_hash(target.cluster.metadata.uid, length=8), 16) / 16**8
            memory.look_again_at = now + (_SETTLING + (1 - _SETTLING) * phase) * self._interval
        return max(memory.look_again_at - now, 0.0)

    async def look(self, aws: Aws, target: Target, memory: Memory, made: Iterable[Action[Any]]) -> None:
        """Look at what was made and put right what differs, with an event for each; failures are told, not raised."""
        now = asyncio.get_running_loop().time()
        requested = memory.requested
        asked = requested not in (None, memory.looked_for)
        memory.look_again_at = now + self._interval
        told: list[str] = []
        for action in made:
            if not action.is_shared or not (action.thing or isinstance(action, EnsureLogGroup)):
                continue
            try:
                older_than = now if asked else now - _FRESH * self._interval
                await self._actor.look_again(aws, target, memory, action, older_than=older_than, tell=told.append)
            except (AwsError, NeedsUser) as error:
                advice = error.advice if isinstance(error, AwsError) else error.message
                logger.warning("could not check what was made (%s): %s", action, error)
                self._recorder.record(
                    target.cluster.metadata,
                    "Warning",
                    reason=error.reason,
                    message=f"Could not {action}, when all was checked. {advice}",
                )
        for sentence in told:
            logger.warning("%s", sentence)
            self._recorder.record(target.cluster.metadata, "Warning", reason="DriftMended", message=sentence)
        memory.looked_for = requested or memory.looked_for
