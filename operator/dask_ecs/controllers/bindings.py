"""What clients find a cluster by: Secret, Service and EndpointSlice, written one by one and only where they differ."""

from collections.abc import Mapping
from typing import Any

from kubernetes.aio import client
from kubernetes.aio.client.exceptions import ApiException

from dask_ecs.api.daskcluster import ObjectMeta
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.controllers.objects import UNAVAILABLE, said
from dask_ecs.plan.bindings import EnsureObject, changes, mended
from dask_ecs.plan.problems import NeedsUser

_MERGE_PATCH = "application/merge-patch+json"


class BindingError(Exception):
    """An object could not be written now; trying again may help."""


class Bindings:
    """The objects that belong to DaskClusters, on the API server."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api
        core, discovery = client.CoreV1Api(api), client.DiscoveryV1Api(api)
        self._apis = {
            "Secret": (core, "secret"),
            "Service": (core, "service"),
            "EndpointSlice": (discovery, "endpoint_slice"),
        }

    async def ensure(self, owner: ObjectMeta, action: EnsureObject, *, tell: Tell = nobody) -> str:
        """Make an object, change it or delete it, as the action says; return its digest.

        `tell` hears what was found otherwise than wanted.

        Raises:
            NeedsUser: the operator may not, or the name is somebody else's.
            BindingError: not now.

        """
        try:
            if action.body is None:
                await self._delete(owner, action)
            else:
                await self._write(owner, action, action.body, tell=tell)
        except ApiException as error:
            raise self._explained(owner, action, error) from error
        except UNAVAILABLE as error:
            raise BindingError(str(error) or type(error).__name__) from error
        return action.digest

    async def _write(self, owner: ObjectMeta, action: EnsureObject, body: Mapping[str, Any], *, tell: Tell) -> None:
        found = None if action.is_new else await self._read(owner, action)
        if found is None:
            try:
                await self._call("create", action)(owner.namespace, {"kind": action.kind, **body})
            except ApiException as error:
                if error.status != 409:
                    raise
                found = await self._read(owner, action)
            else:
                tell(mended(action, None))
                return
        if found is None:
            raise BindingError("it has just been deleted by somebody else")
        if not _belongs_to(owner, found):
            raise _taken(action, found)
        if different := changes(found, body):
            metadata = {**different.get("metadata", {}), "resourceVersion": found["metadata"]["resourceVersion"]}
            patch = {**different, "metadata": metadata}
            await self._call("patch", action)(action.name, owner.namespace, patch, _content_type=_MERGE_PATCH)
            tell(mended(action, different))

    async def _delete(self, owner: ObjectMeta, action: EnsureObject) -> None:
        found = await self._read(owner, action)
        if found and _belongs_to(owner, found):
            try:
                await self._call("delete", action)(action.name, owner.namespace)
            except ApiException as error:
                if error.status != 404:
                    raise

    async def _read(self, owner: ObjectMeta, action: EnsureObject) -> dict[str, Any] | None:
        try:
            found = await self._call("read", action)(action.name, owner.namespace)
        except ApiException as error:
            if error.status == 404:
                return None
            raise
        body: dict[str, Any] = self._api.sanitize_for_serialization(found)
        return body

    def _call(self, verb: str, action: EnsureObject) -> Any:
        api, name = self._apis[action.kind]
        return getattr(api, f"{verb}_namespaced_{name}")

    def _explained(self, owner: ObjectMeta, action: EnsureObject, error: ApiException) -> NeedsUser | BindingError:
        if error.status == 403 and "being terminated" not in str(error.body):
            return NeedsUser(
                "KubernetesForbidden",
                f"The operator may not {action} in namespace {owner.namespace} ({error.reason}): give its service "
                "account the permissions of its chart.",
            )
        if error.status in (400, 422):
            return NeedsUser("KubernetesRefused", f"Kubernetes refused to {action}: {said(error)}")
        return BindingError(said(error))


def _belongs_to(owner: ObjectMeta, found: Mapping[str, Any]) -> bool:
    return any(reference["uid"] == owner.uid for reference in found["metadata"].get("ownerReferences") or ())


def _taken(action: EnsureObject, found: Mapping[str, Any]) -> NeedsUser | BindingError:
    owners = found["metadata"].get("ownerReferences") or ()
    if any(reference["kind"] == "DaskCluster" for reference in owners):
        return BindingError("that of a DaskCluster which had this name before is still there")
    return NeedsUser(
        "NameTaken",
        f"There is a {action.kind} {action.name} that is not this DaskCluster's: delete or rename it, or make the "
        "DaskCluster anew under another name.",
    )
