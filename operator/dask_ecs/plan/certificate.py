"""A certificate as the operator and its clusters use it."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dask_ecs.plan.observed import Role
    from dask_ecs.plan.variables import Variables

CA, CERTIFICATE, KEY, CA_KEY = "ca.crt", "tls.crt", "tls.key", "ca.key"
"""The keys of the secret's JSON object; CA_KEY is the operator's alone."""

_PREFIX = "DASK_DISTRIBUTED__COMM__"
CA_VARIABLE = f"{_PREFIX}TLS__CA_FILE"

# Dask, "TLS/SSL": a worker's tasks may be clients of their own cluster, and so may a scheduler's plugins.
_ROLES: Mapping[Role, tuple[str, ...]] = {"scheduler": ("SCHEDULER", "CLIENT"), "worker": ("WORKER", "CLIENT")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Certificate:
    """By what a member of a cluster shows that it is one, and knows others. All texts are PEM."""

    secret_arn: str
    """Where it is kept."""
    serial: str
    """Its serial number, in hexadecimal digits."""
    ca: str
    """The certificates of all CAs that are trusted."""
    certificate: str
    key: str = dataclasses.field(repr=False)
    ca_key: str = dataclasses.field(repr=False)
    """The operator's alone."""
    not_after: datetime.datetime
    renew_at: datetime.datetime


def sources(role: Role, *, secret: str) -> dict[str, str]:
    """Return the variables by which a role's Dask finds the certificate, and what ECS reads each from.

    `secret` is the secret's ARN.
    """
    names = {CA_VARIABLE: CA}
    for part in _ROLES[role]:
        names |= {f"{_PREFIX}TLS__{part}__CERT": CERTIFICATE, f"{_PREFIX}TLS__{part}__KEY": KEY}
    return {name: f"{secret}:{key}::" for name, key in names.items()}


def with_certificate(variables: Variables, role: Role, *, secret: str) -> Variables:
    """Return a role's variables and those by which Dask finds the certificate; `secret` is the secret's ARN.

    Those of the same name that a user has set stay: somebody may have a CA of their own.
    """
    given = dict(variables.plain).keys() | dict(variables.secret).keys()
    return variables.and_then(
        plain=[(f"{_PREFIX}REQUIRE_ENCRYPTION", "true")],
        secret=[(name, source) for name, source in sources(role, secret=secret).items() if name not in given],
    )


def texts(certificate: Certificate) -> dict[str, str]:
    """Return what a client needs, by the keys of the binding Secret."""
    return {CA: certificate.ca, CERTIFICATE: certificate.certificate, KEY: certificate.key}
