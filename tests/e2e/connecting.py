"""Connecting as a client does: by what the binding Secret holds."""

import base64
import json
from collections.abc import Mapping

from distributed import Client
from distributed.security import Security

from .tenant import Tenant


def binding(tenant: Tenant, name: str) -> dict[str, str]:
    """Return what a DaskCluster's binding Secret holds."""
    secret = tenant.status(name)["binding"]["name"]
    data = json.loads(tenant.kubectl("get", "secret", secret, "-ojson"))["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def security(told: Mapping[str, str]) -> Security | None:
    """Return what a client shows, None where it needs nothing."""
    if "tls.key" not in told:
        return None
    return Security(
        tls_ca_file=told["ca.crt"],
        tls_client_cert=told["tls.crt"],
        tls_client_key=told["tls.key"],
        require_encryption=True,
    )


def connect(tenant: Tenant, name: str) -> Client:
    """Return a client of a DaskCluster that is Ready, which sees the workers that the status counts."""
    told = binding(tenant, name)
    workers = tenant.status(name)["workers"]["running"]
    client = Client(told["uri"], security=security(told), timeout="60s", set_as_default=False)
    if workers:  # a scheduler that was too slow to answer the operator may know them a moment later
        client.wait_for_workers(workers, timeout=60)
    return client
