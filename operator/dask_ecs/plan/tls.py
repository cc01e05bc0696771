"""TLS: one CA and one certificate for all clusters of a namespace (isolated: for one), kept in AWS Secrets Manager.

Dask checks no host names, so the same certificate serves scheduler, workers, clients and the operator. Tasks get it
from Secrets Manager by their definition; it stands in no definition and no request.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, ClassVar

from dask_ecs.plan import made, roles, variables
from dask_ecs.plan.actions import OnThing, SharedAction
from dask_ecs.plan.certificate import CA_VARIABLE, Certificate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dask_ecs.plan.action import Subject
    from dask_ecs.plan.made import Kind
    from dask_ecs.plan.observed import Known
    from dask_ecs.plan.target import Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnsureCertificate(OnThing[Certificate], SharedAction[Certificate]):
    """Make the CA and the certificate, or find them; have them renewed if their time has come."""

    kind: ClassVar[Kind] = "secret"
    subject: Subject = "certificate"
    tags: Mapping[str, str]
    follows: str = ""
    """The serial number of the certificate whose time has come, if one is known."""
    is_new: bool = dataclasses.field(compare=False)
    """Whether it was most likely never made."""
    last: Certificate | None = dataclasses.field(default=None, compare=False, repr=False)
    """What was known of it last: where the secret is gone it is made again, for tasks run that believe no other CA."""

    def __str__(self) -> str:
        return f"{'renew' if self.follows else 'make'} the certificate in secret {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeleteSecret(OnThing[bool]):
    """Delete a secret that we made."""

    kind: ClassVar[Kind] = "secret"
    subject: Subject = "certificate"
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"delete secret {self.name}"


def ensure(target: Target, known: Known, *, now: datetime.datetime) -> EnsureCertificate | None:
    """Return how to come by the certificate that is to be used now; None where there is to be none."""
    if not target.has_tls:
        return None
    action, last = _first(target), latest(target, known)
    while (found := known.answer(action)) and found.renew_at <= now:
        action = dataclasses.replace(action, follows=found.serial)
    return dataclasses.replace(action, last=last)


def secret(target: Target, *, account_id: str) -> str:
    """Return what task definitions call the secret: its ARN without the six characters that AWS adds.

    AWS: "Find a secret from a partial ARN". So they hold for a secret that was deleted and made again, too.
    """
    region = target.region
    partition = roles.partition(region)
    return f"arn:{partition}:secretsmanager:{region}:{account_id}:secret:{made.secret_name(target)}"


def has_own_ca(target: Target) -> bool:
    """Whether the workers trust a CA that the user has given them: the operator's certificate is none of its."""
    spec = target.cluster.spec
    given = variables.of_role(spec, spec.worker)
    return CA_VARIABLE in dict((*given.plain, *given.secret))


def latest(target: Target, known: Known) -> Certificate | None:
    """Return the newest certificate that is known, whether its time has come or not."""
    found: Certificate | None = None
    action = _first(target) if target.has_tls else None
    while action and (following := known.answer(action)):
        found = following
        action = dataclasses.replace(action, follows=found.serial)
    return found


def _first(target: Target) -> EnsureCertificate:
    return EnsureCertificate(
        name=made.secret_name(target), tags=target.made_tags, is_new=target.cluster.status.tls is None
    )
