"""Versions of the software that has to be the same wherever Dask's messages are written and read."""

from typing import Annotated

from pydantic import Field

from dask_ecs.api.fields import ATOMIC
from dask_ecs.api.model import Model

_Version = Annotated[str, Field(max_length=64)]


class Versions(Model):
    """What one process of Dask's says it is made of."""

    python: _Version | None = None
    """Python, as 3.12.7."""

    dask: _Version | None = None
    """The package dask."""

    distributed: _Version | None = None
    """The package distributed."""


class ClusterVersions(Model):
    """What scheduler and workers said when they were last asked, at the scheduler's start, and clients as they came."""

    scheduler: Versions = Versions()
    """The scheduler's."""

    # The operator asks a few of the workers only.
    workers: Annotated[tuple[Versions, ...], Field(max_length=8, json_schema_extra=ATOMIC)] = ()
    """The workers': one entry where all that were asked have the same."""

    clients: Annotated[tuple[Versions, ...], Field(max_length=8, json_schema_extra=ATOMIC)] = ()
    """Those of connected clients, as far as they are others than the scheduler's."""
