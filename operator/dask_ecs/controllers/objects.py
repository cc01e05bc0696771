"""The Kubernetes API: read objects, write their status, finalizer and events."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pydantic
from kubernetes.aio import client
from kubernetes.aio.client.exceptions import ApiException

from dask_ecs.api.daskcluster import GROUP, PLURAL, VERSION
from dask_ecs.controllers.store import Body

# Not kopf's own: kopf takes its finalizer off objects that none of its handlers needs it for.
FINALIZER = "ecs.dask.org/cleanup"
_MERGE_PATCH = "application/merge-patch+json"

# Objects that are listed at once: one takes 40 KB while it is read, twenty times what is kept of it.
PAGE = 100


class NotKubernetesError(Exception):
    """What answers is no Kubernetes API server."""


# What the client raises of an answer that is no JSON, or not of the form of what was asked for.
_NOT_KUBERNETES = (json.JSONDecodeError, pydantic.ValidationError, NotKubernetesError)

# What a call to the API server may raise when it does not do its part, or can not be reached.
UNAVAILABLE = (ApiException, aiohttp.ClientError, OSError, TimeoutError, *_NOT_KUBERNETES)


class ConflictError(Exception):
    """The object has changed since it was read: read it again."""


class GoneError(Exception):
    """The object is not there any more."""


class NoCrdError(GoneError):
    """The API server does not know the kind."""


def said(error: Exception) -> str:
    """Return what the API server said, in its own words, else why it was not reached."""
    if isinstance(error, _NOT_KUBERNETES):
        return "what answers is not a Kubernetes API server"
    if not isinstance(error, ApiException):
        return str(error) or type(error).__name__
    status = _status(error)
    return str(status.get("message") or f"{error.status} {error.reason}")


class Objects:
    """DaskClusters on the API server."""

    def __init__(self, api: client.ApiClient) -> None:
        self._custom = client.CustomObjectsApi(api)

    async def get(self, *, namespace: str, name: str) -> Body:
        """Read one object.

        Raises:
            GoneError: it is not there; `NoCrdError` where no such thing can be.

        """
        try:
            body = await self._custom.get_namespaced_custom_object(GROUP, VERSION, namespace, PLURAL, name)
        except ApiException as error:
            raise _translated(error) from error
        return _an_object(body)

    async def list(self, *, namespace: str | None) -> AsyncIterator[Body]:
        """Yield all objects, of one namespace or of all."""
        token: dict[str, str] = {}
        while True:
            if namespace is None:
                page = await self._custom.list_cluster_custom_object(GROUP, VERSION, PLURAL, limit=PAGE, **token)
            else:
                page = await self._custom.list_namespaced_custom_object(
                    GROUP, VERSION, namespace, PLURAL, limit=PAGE, **token
                )
            for body in _an_object(page)["items"]:
                yield body
            if not page["metadata"].get("continue"):
                return
            token = {"_continue": page["metadata"]["continue"]}

    async def write_status(self, body: Body, status: Mapping[str, Any]) -> Body:
        """Make the object's status this one; nothing is sent when it is so already.

        Raises:
            ConflictError: the object has changed since `body`.
            GoneError: it is not there any more.

        """
        changes = merge_patch(body.get("status") or {}, status)
        if not changes:
            return body
        return await self._patch(body, {"status": changes}, status=True)

    async def add_finalizer(self, body: Body) -> Body:
        """Put our finalizer on the object; errors as `write_status`."""
        there = body["metadata"].get("finalizers") or []
        return await self._patch(body, {"metadata": {"finalizers": [*there, FINALIZER]}})

    async def remove_finalizer(self, body: Body) -> Body:
        """Take our finalizer off the object and return what it was last; errors as `write_status`."""
        rest = [finalizer for finalizer in body["metadata"].get("finalizers") or [] if finalizer != FINALIZER]
        return await self._patch(body, {"metadata": {"finalizers": rest}})

    async def _patch(self, body: Body, patch: dict[str, Any], *, status: bool = False) -> Body:
        metadata = body["metadata"]
        patch = {**patch, "metadata": {**patch.get("metadata", {}), "resourceVersion": metadata["resourceVersion"]}}
        call = (
            self._custom.patch_namespaced_custom_object_status
            if status
            else self._custom.patch_namespaced_custom_object
        )
        try:
            patched: Body = await call(
                GROUP,
                VERSION,
                metadata["namespace"],
                PLURAL,
                metadata["name"],
                patch,
                _content_type=_MERGE_PATCH,
            )
        except ApiException as error:
            raise _translated(error) from error
        return patched


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7396) that makes `new` of `old`."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            if changes := merge_patch(before, value):
                patch[key] = changes
        elif key not in old or before != value:
            patch[key] = value
    return patch


def _an_object(found: Any) -> Body:
    if not isinstance(found, dict):  # the client hands on as text what is not called JSON
        raise NotKubernetesError
    return found


def _translated(error: ApiException) -> Exception:
    if error.status == 409:
        return ConflictError(error.reason)
    if error.status == 404 and not _status(error):
        # Of a kind that it does not know, it says this as of any page, not by a Status that names the object.
        return NoCrdError(error.reason)
    return GoneError(error.reason) if error.status == 404 else error


def _status(error: ApiException) -> dict[str, Any]:
    """Return the API server's Status (meta/v1), empty where it sent none."""
    try:
        found = json.loads(error.body or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
