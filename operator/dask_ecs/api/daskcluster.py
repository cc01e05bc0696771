"""The kind DaskCluster: its names, and the object as the operator reads it."""

import copy
from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationError

from dask_ecs.api.model import WITHOUT_RULES, Model, problems
from dask_ecs.api.spec import DaskClusterSpec
from dask_ecs.api.status import DaskClusterStatus

GROUP = "ecs.dask.org"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "DaskCluster"
PLURAL = "daskclusters"
SINGULAR = "daskcluster"
SHORT_NAME = "dkc"
CATEGORY = "dask"


class InvalidDaskClusterError(ValueError):
    """An object that breaks the API's rules; the API server would refuse it today."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
        """One line a field: its path, and what to do."""


class ObjectMeta(Model):
    """The part of an object's metadata that the operator reads."""

    name: str
    namespace: str
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: tuple[str, ...] = ()


class DaskCluster(Model):
    """A Dask cluster on AWS ECS: a scheduler and its workers."""

    metadata: ObjectMeta
    spec: DaskClusterSpec = DaskClusterSpec()
    status: DaskClusterStatus = DaskClusterStatus()

    @classmethod
    def read(cls, body: Mapping[str, Any], *, spec: DaskClusterSpec | None = None) -> Self:
        """Read an object as the API server sends it; `spec` is what its spec was read as before.

        Raises:
            InvalidDaskClusterError: the object breaks a rule of the API.

        """
        try:
            return cls.model_validate({**body, "spec": spec} if spec else body)
        except ValidationError as error:
            raise InvalidDaskClusterError(problems(error)) from error

    @classmethod
    def read_what_is_valid(cls, body: Mapping[str, Any]) -> Self:
        """Read an object without the fields that break the API's rules: enough to find what was made for it.

        Raises:
            InvalidDaskClusterError: there is no object without them.

        """
        rest = copy.deepcopy(dict(body))
        while True:
            try:
                return cls.model_validate(rest, context=WITHOUT_RULES)
            except ValidationError as error:
                if not any(_remove(rest, detail["loc"]) for detail in error.errors(include_url=False)):
                    raise InvalidDaskClusterError(problems(error)) from error


def _remove(body: dict[str, Any], path: tuple[int | str, ...]) -> bool:
    """Take away what a path of a validation error leads to, as deep as it goes; return whether there was anything."""
    found: Any = body
    holders: list[tuple[Any, int | str]] = []
    for step in path:
        there = step in found if isinstance(found, dict) else isinstance(found, list) and step in range(len(found))
        if not there:
            break
        holders.append((found, step))
        found = found[step]
    if not holders:
        return False
    holder, step = holders[-1]
    del holder[step]
    return True
