"""ECS's events of tasks, received from an SQS queue: what has changed is known at once, without polling."""

import asyncio
import datetime
import logging
from collections.abc import Callable

from dask_ecs.aws import queue, task_state_change
from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.session import LONGEST_WAIT, Aws
from dask_ecs.plan import names
from dask_ecs.plan.backoff import delay
from dask_ecs.plan.observed import Task

logger = logging.getLogger(__name__)

# Receivers side by side while the queue is full. One takes ten messages in two round trips, some 300 a second in AWS;
# four keep a core busy, for the SDK takes about 2 ms of it a call.
RECEIVERS = 4

# Seconds to wait after a receive that was not full: tasks that were launched together change together, and what comes
# within this time comes in one batch.
LINGER = 0.2

# Seconds after which what was handled is deleted, if ten have not come together sooner. An event that comes again
# because its receiver ended first is old news.
DELETE_WITHIN = 2.0

# The wait after a failure to receive, doubled each time.
FIRST_WAIT = datetime.timedelta(seconds=1)
LONGEST_BACKOFF = datetime.timedelta(minutes=1)


class TaskEvents:
    """Receives the events of an install's tasks; `on_task(ECS cluster's ARN, task)` is called for each.

    `on_trouble` is called when there may be some that are not received. An event may come twice, late, or after a
    newer one: `task.version` tells which is the newest. It is deleted some time after `on_task` has returned.
    """

    def __init__(
        self,
        aws: Aws,
        queue_url: str,
        *,
        install: str,
        on_task: Callable[[str, Task], None],
        on_trouble: Callable[[], None] = lambda: None,
    ) -> None:
        self._aws = aws
        self._queue_url = queue_url
        self._install = install
        self._on_task = on_task
        self._on_trouble = on_trouble
        self._handled: list[queue.Message] = []
        self._undeleted = asyncio.Event()
        self.healthy = False
        """Whether the last receive succeeded, so that what changes is heard of."""
        self.failures = 0
        """How often in a row receiving or deleting has failed."""
        self.unreadable = 0
        """How many messages were no task state change events."""
        self.unhandled = 0
        """How often `on_task` failed."""

    async def run(self) -> None:
        """Receive until cancelled: one long poll after the other, and many at once while the queue is full."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._delete_late())
                while True:
                    # Until receiving is known to work, nobody waits for the first event to learn it.
                    received = await self._receive(wait=LONGEST_WAIT if self.healthy else 0)
                    if received == queue.MOST_MESSAGES:
                        await asyncio.gather(*(self._drain() for _ in range(RECEIVERS)))
                    elif received:
                        await asyncio.sleep(LINGER)
                    if self.failures:
                        wait = delay(self.failures, first=FIRST_WAIT, longest=LONGEST_BACKOFF)
                        await asyncio.sleep(wait.total_seconds())
        finally:
            self.healthy = False

    async def _drain(self) -> None:
        while await self._receive(wait=0) == queue.MOST_MESSAGES:
            pass

    async def _receive(self, *, wait: int) -> int:
        """Receive and handle up to ten messages; return how many: where they are ten, there are probably more."""
        try:
            messages = await queue.receive(self._aws, self._queue_url, wait=wait)
            self.healthy = True
            self._handled += [message for message in messages if self._handle(message.body)]
            if len(self._handled) >= queue.MOST_MESSAGES:
                await self._delete()
        except AwsError as error:
            self._fail(error)
            return 0
        self.failures = 0
        if self._handled:
            self._undeleted.set()
        return len(messages)

    async def _delete(self) -> None:
        batch, self._handled = self._handled[: queue.MOST_MESSAGES], self._handled[queue.MOST_MESSAGES :]
        await queue.delete(self._aws, self._queue_url, batch)

    async def _delete_late(self) -> None:
        while True:
            await self._undeleted.wait()
            self._undeleted.clear()
            await asyncio.sleep(DELETE_WITHIN)
            try:
                while self._handled:
                    await self._delete()
            except AwsError as error:
                self._fail(error)

    def _fail(self, error: AwsError) -> None:
        was_healthy, self.healthy = self.healthy, False
        self.failures += 1
        if was_healthy:
            self._on_trouble()
        logger.warning("ECS's events can not be received, tasks are polled meanwhile: %s", error.advice)

    def _handle(self, body: str) -> bool:
        """Hand an event on; return whether it is done with."""
        try:
            change = task_state_change.parse(body)
        except task_state_change.NotATaskStateChangeError as error:
            self.unreadable += 1
            logger.warning("Deleted from the queue of ECS's events: %s", error)
            return True
        if change is None or names.uid_of(change.task.started_by, install=self._install) is None:
            return True
        try:
            self._on_task(change.ecs_cluster_arn, change.task)
        except Exception:  # the loop's edge: one event's trouble must not keep the others from being heard of
            self.unhandled += 1
            logger.exception("An event of %s was not handled; it comes again", change.task.arn)
            return False
        return True
