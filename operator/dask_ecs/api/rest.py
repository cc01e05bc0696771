"""A cluster that rests: all its tasks are gone, and the object stays."""

from typing import Annotated, Literal

from pydantic import Field

from dask_ecs.api import annotation
from dask_ecs.api.model import Model

RestReason = Literal["SchedulerFinished", "Suspended", "Idle", "LifetimeReached"]

_Time = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]


class Rest(Model):
    """Why and since when a cluster rests, or last did."""

    reason: RestReason
    """Why: its scheduler ended by itself and well, spec.suspend, spec.scheduler.idleTimeout or
    spec.maxLifetime."""

    since: _Time
    """When it began to rest."""

    ended_at: _Time | None = None
    """When it was started again; absent while it rests."""

    generation: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]
    """The metadata.generation under which it began; an edit after that starts the cluster again."""

    wake: Annotated[str, Field(max_length=annotation.MAX_VALUE)] | None = None
    """What the annotation ecs.dask.org/wake said then; a new value starts the cluster again."""

    task_arn: Annotated[str, Field(max_length=2048)] | None = None
    """ARN of the last scheduler's task; that it has ended is no reason to rest once more."""
