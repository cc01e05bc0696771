"""The operator as a process: informer, queue and workers in one event loop."""

import asyncio
import contextlib
import dataclasses
import functools
import hashlib
import logging
import signal
import urllib.parse
from collections.abc import Callable, Collection, Mapping

import kopf
from kubernetes.aio import client, config

from dask_ecs.aws import operations, turns
from dask_ecs.aws.errors import ConfigurationError
from dask_ecs.aws.session import Sessions
from dask_ecs.controllers import log_format, login, slots
from dask_ecs.controllers.bindings import Bindings
from dask_ecs.controllers.informer import Informer
from dask_ecs.controllers.objects import UNAVAILABLE, ConflictError, GoneError, Objects, said
from dask_ecs.controllers.queue import Lane, WorkQueue
from dask_ecs.controllers.reconcile import Reconciler
from dask_ecs.controllers.recorder import Recorder
from dask_ecs.controllers.store import Body, Store, key_of
from dask_ecs.controllers.task_events import TaskEvents
from dask_ecs.plan.backoff import delay
from dask_ecs.plan.quota import Limit
from dask_ecs.plan.settings import Settings

logger = logging.getLogger(__name__)

# Objects that are looked at side by side, and besides them those that are deleted, which free what others wait for.
# Those that were settled before the operator's start have few places of their own: there may be thousands, and new ones
# come meanwhile.
SIDE_BY_SIDE = {
    (Lane.FIRST, Lane.URGENT, Lane.NORMAL, Lane.LATER): 50,
    (Lane.URGENT,): 10,
    (Lane.SETTLED,): 3,
}

# Seconds between two lists of all objects, which find what a broken watch has missed.
PRUNE_INTERVAL = 600


class StartError(Exception):
    """The operator can not start; the message says what to do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says; of the settings, install and region may still have to be found."""

    settings: Settings
    namespaces: tuple[str, ...] | None
    health_address: str | None
    events_queue: str | None = None
    resync: float = 600.0
    """Seconds between two looks at what was made for a cluster; 0 for none."""
    quotas: Mapping[str, Limit] = dataclasses.field(default_factory=dict)


async def run(options: Options) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        StartError: Kubernetes or AWS is not configured, or can not be reached.

    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    try:
        kubernetes = await login.load()
        aws = Sessions(limits=options.quotas, idle=slots.idle, only=operations.ALL)
    except config.ConfigException as error:
        raise StartError(
            f"There is no Kubernetes to talk to ({error}). Set KUBECONFIG, or run with a service account."
        ) from error
    except ConfigurationError as error:
        raise StartError(error.advice) from error
    async with client.ApiClient(kubernetes.configuration) as api, aws as sessions:
        settings = await _completed(options.settings, api, sessions)
        logger.info("install %s, default region %s", settings.install, settings.default_region)
        await _serve(options, settings, api, sessions, stop=stop, kubernetes=kubernetes)


async def _completed(settings: Settings, api: client.ApiClient, sessions: Sessions) -> Settings:
    region = settings.default_region or sessions.default_region
    if not region:
        raise StartError("There is no AWS region: set AWS_REGION, or a region in the AWS profile.")
    install = settings.install
    if not install:
        try:
            system = await client.CoreV1Api(api).read_namespace("kube-system")
        except UNAVAILABLE as error:
            raise StartError(
                f"The namespace kube-system, whose UID keeps operators apart, can not be read ({said(error)}). "
                "Allow it, or set --install."
            ) from error
        install = hashlib.sha256(str(system.metadata.uid).encode()).hexdigest()[:8]
    return dataclasses.replace(settings, install=install, default_region=region)


async def _load(
    objects: Objects, store: Store, namespaces: Collection[str] | None, *, meet: Callable[[Body], None]
) -> None:
    """Read all objects before the first is looked at, for it may share what others use.

    Raises:
        StartError: they can not be listed.

    """
    for namespace in namespaces or (None,):
        try:
            async for body in objects.list(namespace=namespace):
                store.put(body)
                meet(body)
        except UNAVAILABLE as error:
            where = f"namespace {namespace}" if namespace else "all namespaces"
            raise StartError(
                f"The DaskClusters of {where} can not be listed ({said(error)}). Check that the API server can be "
                "reached, that the CRD is installed, and what the operator's account may do."
            ) from error


async def _serve(
    options: Options,
    settings: Settings,
    api: client.ApiClient,
    sessions: Sessions,
    *,
    stop: asyncio.Event,
    kubernetes: login.Login,
) -> None:
    store, objects = Store(), Objects(api)

    def lane_of(key: str) -> Lane:
        if store.is_being_deleted(key):
            return Lane.URGENT
        if reconciler.has_started(key):
            return Lane.LATER  # of many that come at once, all are run before it is told how far each is
        return Lane.SETTLED if store.is_settled(key) else Lane.NORMAL

    queue = WorkQueue(lane_of=lane_of)
    recorder = Recorder(api)
    reconciler = Reconciler(
        settings=settings,
        store=store,
        queue=queue,
        objects=objects,
        recorder=recorder,
        bindings=Bindings(api),
        sessions=sessions,
        resync=options.resync,
    )
    await _load(objects, store, options.namespaces, meet=reconciler.meet)
    informer = Informer(store=store, queue=queue, namespaces=options.namespaces, health_address=options.health_address)
    background = [
        asyncio.create_task(_dispatch(reconciler, store, queue, objects, lanes=lanes, limit=limit))
        for lanes, limit in SIDE_BY_SIDE.items()
    ]
    if options.events_queue:
        background.append(asyncio.create_task(_hear(options.events_queue, settings, reconciler, sessions)))
    background.append(asyncio.create_task(reconciler.run()))
    background.append(asyncio.create_task(_prune(store, queue, objects, options.namespaces)))
    background.append(asyncio.create_task(kubernetes.keep()))
    background.append(asyncio.create_task(recorder.run()))
    ready = asyncio.Event()
    background.append(asyncio.create_task(_announce(ready)))

    async def end() -> None:
        queue.close()
        await recorder.write_last()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)

    for task in background:
        task.add_done_callback(functools.partial(_stop_on_failure, stop))
    try:
        await informer.run(stop=stop, ready=ready, on_stop=end)
    except kopf.LoginError as error:
        raise StartError(f"Kubernetes does not accept the credentials any more ({error}).") from error
    finally:
        await end()
        logger.info("stopped")
    for task in background:
        if not task.cancelled() and (failure := task.exception()):
            raise failure


def _stop_on_failure(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    """End the operator when a part of it has ended by a failure: started anew it is whole again."""
    if not task.cancelled() and (failure := task.exception()):
        logger.error("a part of the operator has failed, so all of it ends", exc_info=failure)
        stop.set()


async def _announce(ready: asyncio.Event) -> None:
    await ready.wait()
    logger.info("ready: watching DaskClusters")


async def _hear(queue_url: str, settings: Settings, reconciler: Reconciler, sessions: Sessions) -> None:
    host = urllib.parse.urlsplit(queue_url).hostname or ""
    aws = sessions.region(host.split(".")[1] if host.startswith("sqs.") else settings.default_region)
    watchers = reconciler.watchers
    events = TaskEvents(
        aws, queue_url, install=settings.install, on_task=watchers.on_event, on_trouble=watchers.look_now
    )
    watchers.events_flow = lambda region: events.healthy and region == aws.region
    await events.run()


async def _dispatch(
    reconciler: Reconciler, store: Store, queue: WorkQueue, objects: Objects, *, lanes: tuple[Lane, ...], limit: int
) -> None:
    free = slots.Slots(limit)

    async def look(key: str, slot: slots.Slot) -> None:
        slots.current.set(slot)
        log_format.current_object.set(key)
        turns.tenant.set(key.partition("/")[0])
        try:
            await _once(reconciler, store, queue, objects, key)
        finally:
            slot.give_back()
            queue.done(key)

    async with asyncio.TaskGroup() as looking:
        while True:
            slot = await free.take()
            looking.create_task(look(await queue.get(lanes), slot))
            # What AWS has answered meanwhile comes before the next look, which may share it.
            await asyncio.sleep(0)


async def _once(reconciler: Reconciler, store: Store, queue: WorkQueue, objects: Objects, key: str) -> None:
    try:
        await reconciler.reconcile(key)
        reconciler.failures.pop(key, None)
    except ConflictError:
        await _reread(store, objects, key)
        queue.add(key)
    except GoneError:
        await _reread(store, objects, key)
    except Exception:  # the loop's edge: one object's trouble must not end the others' care
        reconciler.failures[key] += 1
        wait = delay(reconciler.failures[key]).total_seconds()
        logger.exception("failure %d in a row; again in %.0f s", reconciler.failures[key], wait)
        queue.add_after(key, wait)


async def _reread(store: Store, objects: Objects, key: str) -> None:
    namespace, name = key.split("/")
    try:
        store.put(await objects.get(namespace=namespace, name=name))
    except GoneError:
        store.remove(key)
    except UNAVAILABLE as error:
        logger.warning("%s can not be read: %s", key, said(error))


async def _prune(store: Store, queue: WorkQueue, objects: Objects, namespaces: Collection[str] | None) -> None:
    while True:
        await asyncio.sleep(PRUNE_INTERVAL)
        before = set(store)
        seen: set[str] = set()
        with contextlib.suppress(*UNAVAILABLE):
            for namespace in namespaces or (None,):
                async for body in objects.list(namespace=namespace):
                    seen.add(key_of(body))
                    if store.put(body):
                        queue.add(key_of(body))
            for key in before - seen:
                await _reread(store, objects, key)
                queue.add(key)
