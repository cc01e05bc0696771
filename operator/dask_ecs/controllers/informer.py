"""kopf as informer: every change of an object goes to the store, and its key to the queue."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

import kopf

from dask_ecs.api.daskcluster import GROUP, PLURAL, VERSION
from dask_ecs.controllers import login
from dask_ecs.controllers.objects import PAGE
from dask_ecs.controllers.queue import WorkQueue
from dask_ecs.controllers.store import Store, key_of

# Seconds without any event after which the watch is opened anew: a connection may be dead without a word.
_INACTIVITY = 300
_CONNECT_TIMEOUT = 10

# Seconds for which kopf keeps a task for each object that has changed: thousands at the start, with nothing to do.
_IDLE_TIMEOUT = 0.1


class _NoEssence(kopf.AnnotationsDiffBaseStorage):
    """Spares kopf a copy of each object that it would compare with the last one that it has handled."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()


class Informer:
    """Watches DaskClusters. It writes nothing: no annotation, no finalizer, no event of kopf's own."""

    def __init__(
        self,
        *,
        store: Store,
        queue: WorkQueue,
        namespaces: Collection[str] | None,
        health_address: str | None,
    ) -> None:
        self._store = store
        self._queue = queue
        self._namespaces = namespaces
        self._health_address = health_address

    async def run(
        self, *, stop: asyncio.Event, ready: asyncio.Event, on_stop: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        """Watch until `stop` is set or a signal arrives, for kopf handles signals by itself; then call `on_stop`."""
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self._on_login)

        # kopf gives whatever still runs 5 s more to end, its own wait for `stop` included.
        async def stopping(**_: Any) -> None:
            stop.set()
            await on_stop()

        kopf.on.cleanup(registry=registry)(stopping)
        kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(self._on_event)
        settings = kopf.OperatorSettings()
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.watching.connect_timeout = _CONNECT_TIMEOUT
        settings.watching.inactivity_timeout = _INACTIVITY
        settings.watching.chunk_size = PAGE
        settings.queueing.idle_timeout = _IDLE_TIMEOUT
        settings.persistence.finalizer = f"{GROUP}/kopf"
        settings.persistence.diffbase_storage = _NoEssence()
        await kopf.operator(
            registry=registry,
            settings=settings,
            clusterwide=self._namespaces is None,
            namespaces=self._namespaces or (),
            standalone=True,
            liveness_endpoint=f"http://{self._health_address}/healthz" if self._health_address else None,
            stop_flag=stop,
            ready_flag=ready,
        )

    async def _on_login(self, **_: Any) -> kopf.ConnectionInfo:
        return await login.for_kopf()

    async def _on_event(self, event: kopf.RawEvent, **_: Any) -> None:
        body: Any = event["object"]
        if event["type"] == "DELETED":
            self._store.remove(key_of(body), uid=body["metadata"]["uid"])
        elif not self._store.put(body):  # what we wrote ourselves comes back
            return
        self._queue.add(key_of(body))
