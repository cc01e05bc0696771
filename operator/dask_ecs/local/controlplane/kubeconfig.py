"""Kubeconfig files: where an API server is, how to know that it is the right one, and who asks."""

import base64
from dataclasses import dataclass
from typing import Any

import yaml

from dask_ecs.local.controlplane.certificates import KeyPair

_NAME = "dask-ecs-local"


@dataclass(frozen=True)
class BearerToken:
    """A service account's token."""

    token: str


def kubeconfig(*, url: str, authority: bytes, user: KeyPair | BearerToken, namespace: str = "default") -> str:
    """Return a kubeconfig, as YAML, that needs no other file.

    ``authority`` is the certificate, PEM, that the server at ``url`` is checked against.
    """
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": _NAME, "cluster": {"server": url, "certificate-authority-data": _base64(authority)}},
        ],
        "users": [{"name": _NAME, "user": _user(user)}],
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME, "namespace": namespace}}],
        "current-context": _NAME,
    }
    return yaml.safe_dump(document, sort_keys=False)


def _user(user: KeyPair | BearerToken) -> dict[str, str]:
    match user:
        case BearerToken(token=token):
            return {"token": token}
        case KeyPair(key=key, public=certificate):
            return {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)}


def _base64(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
