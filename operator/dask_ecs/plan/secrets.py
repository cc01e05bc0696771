"""What a cluster's tasks get from Secrets Manager and Parameter Store, and so what their execution role must read."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.target import Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Named:
    """A secret that a user names."""

    field: str
    """Below `spec`, as `worker.secrets[0].valueFrom`."""
    arn: str
    """Of the whole secret, whatever part of it is wanted."""


def named(spec: DaskClusterSpec) -> Iterator[Named]:
    """Return all that a spec names."""
    if spec.image_credentials:
        yield Named(field="imageCredentials", arn=spec.image_credentials)
    lists = {"": spec.secrets, "scheduler.": spec.scheduler.secrets, "worker.": spec.worker.secrets}
    for prefix, secrets in lists.items():
        for index, secret in enumerate(secrets):
            yield Named(field=f"{prefix}secrets[{index}].valueFrom", arn=arn_of(secret.value_from))


def readable(target: Target) -> tuple[str, ...]:
    """Return the ARNs of all that the execution role must be able to read, sorted."""
    return tuple(sorted({secret.arn for secret in named(target.cluster.spec)}))


def arn_of(value_from: str) -> str:
    """Return the ARN of the secret that a `valueFrom` names, without the key and the version that may follow it."""
    return ":".join(value_from.split(":")[:7])
