"""What Kubernetes holds of a cluster besides its DaskCluster, so that clients find it.

A Secret in the form of servicebinding.io ("Well-known Secret Entries") holds all that a client needs to connect. If the
spec asks for it there is a Service without a selector, and an EndpointSlice that leads it to where the scheduler is.
All carry an ownerReference, so that Kubernetes deletes them after the DaskCluster.
"""

from __future__ import annotations

import base64
import dataclasses
import ipaddress
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from dask_ecs.api.daskcluster import API_VERSION, KIND
from dask_ecs.api.status import WrittenObjects
from dask_ecs.plan import certificate, names
from dask_ecs.plan.action import Action, Subject

if TYPE_CHECKING:
    from dask_ecs.api.status import DaskClusterStatus
    from dask_ecs.plan.certificate import Certificate
    from dask_ecs.plan.observed import Observed
    from dask_ecs.plan.target import Target

ObjectKind = Literal["Secret", "Service", "EndpointSlice"]

MANAGED_BY = "dask-ecs-operator"
BINDING_TYPE = "dask"
PROVIDER = "dask-ecs-operator"

# Kubernetes, "Object Names and IDs": RFC 1035 labels, and DNS subdomains.
_LABEL = 63
_SUBDOMAIN = 253


@dataclasses.dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a scheduler that answers is to be found; `address` is what a Dask client takes."""

    address: str
    dashboard_link: str | None
    certificate: Certificate | None = None

    @property
    def host(self) -> str:
        """The host of the address."""
        return urllib.parse.urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        """The port of the address."""
        return urllib.parse.urlsplit(self.address).port or 0

    @property
    def dashboard_port(self) -> int | None:
        """The port of the dashboard."""
        return urllib.parse.urlsplit(self.dashboard_link).port if self.dashboard_link else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnsureObject(Action[str]):
    """Have an object in the cluster's namespace be like `body`, or gone if there is none; the answer is its digest.

    What `body` does not say of the object is left as it is. Actions on one object have one fingerprint, for only the
    last of them counts: the digest tells of which it was.
    """

    subject: Subject = "binding"
    kind: ObjectKind
    name: str
    body: Mapping[str, Any] | None = dataclasses.field(compare=False, repr=False)
    is_new: bool = dataclasses.field(compare=False)
    """Whether it was most likely never made."""

    @property
    def digest(self) -> str:
        """What is the same for two that want the same."""
        return names.short_hash(json.dumps(self.body, sort_keys=True), length=16)

    def __str__(self) -> str:
        return f"{'write' if self.body else 'delete'} {self.kind} {self.name}"


def plan(target: Target, observed: Observed, endpoint: Endpoint | None) -> list[EnsureObject]:
    """Return what has to be written; `endpoint` is None while there is no scheduler that answers."""
    known = endpoint is not None and (endpoint.certificate is not None or not target.has_tls)
    wanted = [_secret(target, endpoint)] if endpoint and known else []
    if target.cluster.spec.service.enabled or target.cluster.status.service:
        wanted += [_service(target), _endpoint_slice(target, endpoint)]
    return [action for action in wanted if observed.known.answer(action) != action.digest]


def binding_name(target: Target, observed: Observed) -> str | None:
    """Return the name of the binding Secret, once it is there."""
    name = secret_name(target)
    there = observed.known.answer(EnsureObject(kind="Secret", name=name, body=None, is_new=False))
    return name if there or target.cluster.status.binding else None


def service_there(target: Target, observed: Observed) -> str | None:
    """Return the name of the Service, once it is there and until it and all that belongs to it are gone."""
    wanted = [_service(target), _endpoint_slice(target, None)]
    digests = [observed.known.answer(action) for action in wanted]
    if target.cluster.spec.service.enabled:
        return wanted[0].name if digests[0] or target.cluster.status.service else None
    gone = digests == [action.digest for action in wanted]
    return wanted[0].name if target.cluster.status.service and not gone else None


def last_written(status: DaskClusterStatus, kind: ObjectKind) -> str | None:
    """Return the digest of what was last written of an object, as the status has it."""
    written = status.written
    return {"Secret": written.secret, "Service": written.service, "EndpointSlice": written.endpoint_slice}[kind]


def written(target: Target, observed: Observed) -> WrittenObjects:
    """Return what was last written of each object."""

    def digest(kind: ObjectKind, name: str) -> str | None:
        action = EnsureObject(kind=kind, name=name, body=None, is_new=False)
        return observed.known.answer(action) or last_written(target.cluster.status, kind)

    service = service_name(target)
    return WrittenObjects(
        secret=digest("Secret", secret_name(target)),
        service=digest("Service", service),
        endpoint_slice=digest("EndpointSlice", service),
    )


def mended(action: EnsureObject, patch: Mapping[str, Any] | None) -> str:
    """Return in a sentence what others had done to an object: deleted it, or changed what `patch` puts right."""
    if patch is None:
        return f"{action.kind} {action.name} was deleted; it is made again."
    return f"{action.kind} {action.name} was changed ({', '.join(_paths(patch))}); it is as it was."


def _paths(patch: Mapping[str, Any], start: str = "") -> list[str]:
    """Return what a patch changes, by names alone: values may be secret."""
    found: list[str] = []
    for key, value in patch.items():
        found += _paths(value, f"{start}{key}.") if isinstance(value, Mapping) else [f"{start}{key}"]
    return found


def secret_name(target: Target) -> str:
    """Return the name of the binding Secret."""
    return names.cut(target.cluster.metadata.name, suffix="-binding", limit=_SUBDOMAIN)


def service_name(target: Target) -> str:
    """Return the name of the Service: the cluster's with -scheduler behind it, where that is a Service's name."""
    name = target.cluster.metadata.name
    label = re.sub(r"[^a-z0-9-]", "-", name)
    if not label[0].isalpha():
        label = f"dask-{label}"
    # What had to be changed could be another cluster's name.
    suffix = "-scheduler" if label == name else f"-{names.short_hash(name)}-scheduler"
    return names.cut(label, suffix=suffix, limit=_LABEL)


def _secret(target: Target, endpoint: Endpoint) -> EnsureObject:
    texts = {
        "type": BINDING_TYPE,
        "provider": PROVIDER,
        "host": endpoint.host,
        "port": str(endpoint.port),
        "uri": endpoint.address,
    }
    if endpoint.dashboard_link:
        texts["dashboard"] = endpoint.dashboard_link
    if endpoint.certificate:
        texts |= certificate.texts(endpoint.certificate)
    name = secret_name(target)
    body = {
        "metadata": _metadata(target, name),
        "type": f"servicebinding.io/{BINDING_TYPE}",
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()},
    }
    return EnsureObject(kind="Secret", name=name, body=body, is_new=target.cluster.status.binding is None)


def _service(target: Target) -> EnsureObject:
    name, scheduler = service_name(target), target.cluster.spec.scheduler
    ports = {"scheduler": scheduler.port, "dashboard": scheduler.dashboard_port}
    body = {
        "metadata": _metadata(target, name),
        "spec": {
            "type": "ClusterIP",
            # Kubernetes goes by their names to those of the EndpointSlice: a scheduler that runs keeps its ports.
            "ports": [
                {"name": key, "port": port, "protocol": "TCP", "targetPort": port} for key, port in ports.items()
            ],
        },
    }
    return _if_enabled(target, "Service", name, body)


def _endpoint_slice(target: Target, endpoint: Endpoint | None) -> EnsureObject:
    name = service_name(target)
    there = endpoint is not None and _is_ipv4(endpoint.host)
    scheduler = target.cluster.spec.scheduler
    ports = {"scheduler": scheduler.port, "dashboard": scheduler.dashboard_port}
    if endpoint and there:
        ports = {"scheduler": endpoint.port, "dashboard": endpoint.dashboard_port or scheduler.dashboard_port}
    body = {
        # Kubernetes, "EndpointSlices": what ties it to its Service, and whose it is.
        "metadata": _metadata(
            target,
            name,
            {"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": MANAGED_BY},
        ),
        "addressType": "IPv4",
        "endpoints": [{"addresses": [endpoint.host], "conditions": {"ready": True}}] if endpoint and there else [],
        "ports": [{"name": key, "port": port, "protocol": "TCP"} for key, port in ports.items()],
    }
    return _if_enabled(target, "EndpointSlice", name, body)


def _if_enabled(target: Target, kind: ObjectKind, name: str, body: dict[str, Any]) -> EnsureObject:
    enabled = target.cluster.spec.service.enabled
    return EnsureObject(
        kind=kind, name=name, body=body if enabled else None, is_new=target.cluster.status.service is None
    )


def _metadata(target: Target, name: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    metadata = target.cluster.metadata
    owner = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": metadata.name,
        "uid": metadata.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
    return {
        "name": name,
        "labels": {
            "app.kubernetes.io/managed-by": MANAGED_BY,
            # A UID is always a label's value, which a name may be too long for.
            "ecs.dask.org/uid": metadata.uid,
            **(labels or {}),
        },
        "ownerReferences": [owner],
    }


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def changes(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7396) that gives an object what is wanted of it; the rest stays."""
    patch: dict[str, Any] = {}
    for key, value in wanted.items():
        before = found.get(key)
        if isinstance(value, Mapping):
            if different := changes(before or {}, value):
                patch[key] = different
        elif value != before and (value or before):  # an empty list comes back as none
            patch[key] = value
    return patch
