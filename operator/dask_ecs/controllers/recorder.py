"""Kubernetes Events: what happened, in words a person can act on."""

import asyncio
import contextlib
import datetime
import logging
from collections import OrderedDict
from typing import Literal

from kubernetes.aio import client

from dask_ecs.api.daskcluster import API_VERSION, KIND, ObjectMeta
from dask_ecs.controllers.objects import UNAVAILABLE

logger = logging.getLogger(__name__)

COMPONENT = "dask-ecs-operator"

# The same event of one object is not said again for so long; and so many are remembered.
_SILENCE = datetime.timedelta(minutes=5)
_REMEMBERED = 10_000
_LONGEST = 1024  # Kubernetes API reference, Event: what `message` may hold

# So many are written at once, and so many wait; of more, the oldest are dropped. And how long the last are given when
# the operator ends.
_WRITERS = 5
_MOST_WAITING = 5_000
_LAST_WITHIN = 2.0  # seconds


class Recorder:
    """Writes events while what they tell of goes on.

    One that can not be written is logged and dropped, for nothing depends on it.
    """

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)
        self._waiting: asyncio.Queue[client.CoreV1Event] = asyncio.Queue()
        self._said: OrderedDict[tuple[str, str, str], datetime.datetime] = OrderedDict()

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as writers:
            for _ in range(_WRITERS):
                writers.create_task(self._write())

    async def _write(self) -> None:
        while True:
            event = await self._waiting.get()
            try:
                await self._core.create_namespaced_event(event.metadata.namespace, event)
            except UNAVAILABLE as error:
                if "being terminated" not in str(getattr(error, "body", "")):
                    logger.warning("An event could not be written: %s", getattr(error, "reason", None) or error)
            except Exception:  # the loop's edge: an event is not worth the operator's life
                logger.exception("An event could not be written")
            finally:
                self._waiting.task_done()

    async def write_last(self) -> None:
        """Wait a moment until what was recorded is written."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WITHIN):
                await self._waiting.join()
        while not self._waiting.empty():
            self._drop_oldest()

    def record(self, metadata: ObjectMeta, kind: Literal["Normal", "Warning"], *, reason: str, message: str) -> None:
        """Have an event written about an object, unless the same was said a moment ago."""
        now = datetime.datetime.now(datetime.UTC)
        said = (metadata.uid, reason, message)
        if said in self._said and now - self._said[said] < _SILENCE:
            return
        self._said[said] = now
        self._said.move_to_end(said)
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        event = client.CoreV1Event(
            metadata=client.V1ObjectMeta(generate_name=f"{metadata.name[:200]}-", namespace=metadata.namespace),
            involved_object=client.V1ObjectReference(
                api_version=API_VERSION,
                kind=KIND,
                name=metadata.name,
                namespace=metadata.namespace,
                uid=metadata.uid,
                resource_version=metadata.resource_version,
            ),
            type=kind,
            reason=reason,
            message=message[:_LONGEST],
            source=client.V1EventSource(component=COMPONENT),
            reporting_component=COMPONENT,
            first_timestamp=now,
            last_timestamp=now,
            count=1,
        )
        if self._waiting.qsize() >= _MOST_WAITING:
            self._drop_oldest()
        self._waiting.put_nowait(event)

    def _drop_oldest(self) -> None:
        self._waiting.get_nowait()
        self._waiting.task_done()
