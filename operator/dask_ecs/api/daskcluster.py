"""The kind DaskCluster: its names, and the object as the operator reads it."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationError

from dask_ecs.api.model import Model, problems
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
