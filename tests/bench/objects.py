"""DaskClusters by the thousand: made side by side, and watched, so that each change has its time."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from kubernetes.aio import client, config, watch
from kubernetes.aio.client.exceptions import ApiException

from dask_ecs.api.daskcluster import GROUP, PLURAL, VERSION

Body = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")

# Requests at once: enough to keep the API server busy, few enough that it queues none (its own limit is 600).
_SIDE_BY_SIDE = 32
_LOOK = 0.02  # seconds
_MERGE_PATCH = "application/merge-patch+json"


class DeadlineError(Exception):
    """What was waited for did not come in time."""


class Objects:
    """The DaskClusters of all namespaces, as a user of Kubernetes has them. By UID: names may come again.

    ``bodies`` has those that are there, as last seen; ``ready_at`` since when (Unix time) each is Ready as last edited.
    """

    def __init__(self, api: client.ApiClient) -> None:
        self.bodies: dict[str, Body] = {}
        self.ready_at: dict[str, float] = {}
        self.gone_at: dict[str, float] = {}
        self._api = api
        self._custom = client.CustomObjectsApi(api)
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, kubeconfig: Path) -> AsyncIterator["Objects"]:
        """Connect, and watch until the block ends."""
        configuration = client.Configuration()
        await config.load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)
        configuration.connection_pool_maxsize = 2 * _SIDE_BY_SIDE
        async with client.ApiClient(configuration) as api:
            objects = cls(api)
            objects._watching = asyncio.create_task(objects._watch())
            try:
                yield objects
            finally:
                objects._watching.cancel()
                await asyncio.gather(objects._watching, return_exceptions=True)

    async def api_server_metrics(self) -> str:
        """Return what the API server says of itself, in Prometheus' format."""
        response = await self._api.rest_client.request("GET", f"{self._api.configuration.host}/metrics")
        body: bytes = await response.read()
        return body.decode()

    async def make_namespaces(self, names: Iterable[str]) -> None:
        """Make namespaces."""
        core = client.CoreV1Api(self._api)
        await side_by_side(
            lambda name: core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name))), names
        )

    async def apply(self, bodies: Iterable[Body], *, namespace: str | None = None) -> dict[str, float]:
        """Make objects, in the namespace they name or the one given; return by UID when each was answered."""

        async def make(body: Body) -> tuple[str, float]:
            where = namespace or body["metadata"]["namespace"]
            made = await self._custom.create_namespaced_custom_object(GROUP, VERSION, where, PLURAL, body)
            return made["metadata"]["uid"], time.time()

        return dict(await side_by_side(make, bodies))

    async def patch(self, uids: Iterable[str], patch: Mapping[str, Any]) -> float:
        """Edit objects by a merge patch; return when the last was answered."""

        async def edit(uid: str) -> None:
            meta = self.bodies[uid]["metadata"]
            await self._custom.patch_namespaced_custom_object(
                *(GROUP, VERSION, meta["namespace"], PLURAL, meta["name"], dict(patch)), _content_type=_MERGE_PATCH
            )

        await side_by_side(edit, uids)
        return time.time()

    async def write_statuses(self, statuses: Iterable[tuple[Body, Body]]) -> None:
        """Write (metadata, status) of objects."""

        async def write(pair: tuple[Body, Body]) -> None:
            meta, status = pair
            await self._custom.patch_namespaced_custom_object_status(
                *(GROUP, VERSION, meta["namespace"], PLURAL, meta["name"], {"status": status}),
                _content_type=_MERGE_PATCH,
            )

        await side_by_side(write, statuses)

    async def delete(self, uids: Iterable[str]) -> None:
        """Ask for objects to be deleted."""

        async def delete(uid: str) -> None:
            meta = self.bodies[uid]["metadata"]
            with contextlib.suppress(ApiException):
                await self._custom.delete_namespaced_custom_object(
                    GROUP, VERSION, meta["namespace"], PLURAL, meta["name"]
                )

        await side_by_side(delete, [uid for uid in uids if uid in self.bodies])

    async def until_ready(self, uids: Iterable[str], *, within: float) -> None:
        """Wait until all are Ready; raise DeadlineError with one that is not."""
        wanted = set(uids)
        await self.until(lambda: wanted <= self.ready_at.keys(), within=within, what=lambda: self._unready(wanted))

    async def until_gone(self, uids: Iterable[str], *, within: float) -> None:
        """Wait until all are gone; raise DeadlineError."""
        wanted = set(uids)
        await self.until(
            lambda: not wanted & self.bodies.keys(),
            within=within,
            what=lambda: f"{len(wanted & self.bodies.keys())} of {len(wanted)} clusters are still there",
        )

    async def until(self, fits: Callable[[], bool], *, within: float, what: Callable[[], str]) -> None:
        """Wait until `fits`; raise DeadlineError, which says `what` is amiss, after `within` seconds."""
        deadline = time.monotonic() + within
        while not fits():
            if self._watching and self._watching.done():
                await self._watching
            if time.monotonic() > deadline:
                raise DeadlineError(f"not within {within:.0f} s: {what()}")
            await asyncio.sleep(_LOOK)

    def _unready(self, wanted: set[str]) -> str:
        unready = sorted(wanted - self.ready_at.keys())
        body = self.bodies.get(unready[0], {}) if unready else {}
        return f"{len(unready)} of {len(wanted)} clusters are not Ready; one of them: {body.get('status')}"

    async def _watch(self) -> None:
        while True:
            try:
                await self._list_and_follow()
            except ApiException as error:
                # 429: a new CRD's storage is not ready yet; 410: what was read is too old to go on from.
                if error.status not in (410, 429):
                    raise
                await asyncio.sleep(_LOOK)

    async def _list_and_follow(self) -> None:
        listed = await self._custom.list_cluster_custom_object(GROUP, VERSION, PLURAL)
        self.bodies.clear()
        for body in listed["items"]:
            self._see(body)
        version = listed["metadata"]["resourceVersion"]
        async with watch.Watch().stream(
            *(self._custom.list_cluster_custom_object, GROUP, VERSION, PLURAL), resource_version=version
        ) as events:
            async for event in events:
                if event["type"] == "DELETED":
                    self._lose(event["object"])
                else:
                    self._see(event["object"])

    def _see(self, body: Body) -> None:
        uid = body["metadata"]["uid"]
        body["metadata"].pop("managedFields", None)
        self.bodies[uid] = body
        if is_ready(body):
            self.ready_at.setdefault(uid, time.time())
        else:
            self.ready_at.pop(uid, None)

    def _lose(self, body: Body) -> None:
        uid = body["metadata"]["uid"]
        self.bodies.pop(uid, None)
        self.ready_at.pop(uid, None)
        self.gone_at[uid] = time.time()


def is_ready(body: Body) -> bool:
    """Whether the object is Ready as last edited."""
    status = body.get("status") or {}
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ()))
    return ready and status.get("observedGeneration") == body["metadata"]["generation"]


async def side_by_side(do: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """Do it for each, several at once, and return the results in the items' order."""
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(item: T) -> R:
        async with places:
            return await do(item)

    return list(await asyncio.gather(*(one(item) for item in items)))
