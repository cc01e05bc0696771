"""What a cluster's tasks get from Secrets Manager and Parameter Store, and so what their execution role must read."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from dask_ecs.plan.target import Target, of_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dask_ecs.api.container import Secret
    from dask_ecs.api.sidecar import Sidecar
    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.api.task_shape import TaskShape


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
    yield from _of_list("secrets", spec.secrets)
    shapes: dict[str, TaskShape] = {"scheduler": spec.scheduler, "worker": spec.worker}
    for role, shape in shapes.items():
        yield from _of_container(role, shape)
        for index, sidecar in enumerate(shape.sidecars):
            field = f"{role}.sidecars[{index}]"
            if sidecar.image_credentials:
                yield Named(field=f"{field}.imageCredentials", arn=sidecar.image_credentials)
            yield from _of_container(field, sidecar)


def _of_container(field: str, container: TaskShape | Sidecar) -> Iterator[Named]:
    yield from _of_list(f"{field}.secrets", container.secrets)
    if logs := container.log_configuration:
        yield from _of_list(f"{field}.logConfiguration.secretOptions", logs.secret_options)


def _of_list(field: str, secrets: Iterable[Secret]) -> Iterator[Named]:
    for index, secret in enumerate(secrets):
        yield Named(field=f"{field}[{index}].valueFrom", arn=arn_of(secret.value_from))


@of_spec
def readable(target: Target) -> tuple[str, ...]:
    """Return the ARNs of all that the execution role must be able to read, sorted."""
    return tuple(sorted({secret.arn for secret in named(target.cluster.spec)}))


def arn_of(value_from: str) -> str:
    """Return the ARN of the secret that a `valueFrom` names, without the key and the version that may follow it."""
    return ":".join(value_from.split(":")[:7])
