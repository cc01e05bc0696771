"""Kubernetes Events: what happened, in words a person can act on."""

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


class Recorder:
    """Writes events; one that can not be written is logged and dropped, for nothing depends on it."""

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)
        self._said: OrderedDict[tuple[str, str, str], datetime.datetime] = OrderedDict()

    async def record(
        self, metadata: ObjectMeta, kind: Literal["Normal", "Warning"], *, reason: str, message: str
    ) -> None:
        """Write an event about an object, unless the same was said a moment ago."""
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
        try:
            await self._core.create_namespaced_event(metadata.namespace, event)
        except UNAVAILABLE as error:
            if "being terminated" not in str(getattr(error, "body", "")):
                logger.warning("An event could not be written: %s", getattr(error, "reason", None) or error)
