"""What every action is: something to do, safe to do again."""

from __future__ import annotations

import dataclasses
import functools
from typing import Generic, Literal, TypeVar

from dask_ecs.plan import names

Subject = Literal[
    "account",
    "ecsCluster",
    "capacity",
    "network",
    "securityGroup",
    "executionRole",
    "taskRole",
    "logGroup",
    "schedulerDefinition",
    "workerDefinition",
    "scheduler",
    "worker",
    "tasks",
    "stop",
    "scaleDown",
    "terminate",
    "binding",
    "certificate",
]

Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Action(Generic[Result]):
    """One thing to do, safe to do again. `subject` is what a failure of it holds back."""

    subject: Subject

    @property
    def is_shared(self) -> bool:
        """Whether what came of it holds for every cluster of the region that asks for the same."""
        return False

    @property
    def thing(self) -> str | None:
        """The made thing that it makes, changes or deletes, as `kind/name`."""
        return None

    @property
    def revises(self) -> bool:
        """Whether the thing is then as this action says, and not as another one of its kind said before."""
        return False

    @functools.cached_property
    def fingerprint(self) -> str:
        """What is the same for two actions that ask for the same."""
        fields = [(field.name, getattr(self, field.name)) for field in dataclasses.fields(self) if field.compare]
        return names.short_hash(type(self).__name__, repr(fields))
