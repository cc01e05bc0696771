"""What a container is told and given, as ECS's container definitions have it."""

from typing import Annotated

from pydantic import Field

from dask_ecs.api.fields import EnvironmentName, SecretReference, keyed_by
from dask_ecs.api.model import Model


class EnvironmentVariable(Model):
    """An environment variable of a container."""

    name: EnvironmentName
    """The variable's name."""

    value: Annotated[str, Field(max_length=4096)] = ""
    """The variable's value, in plain text: what is secret belongs into secrets."""


class Secret(Model):
    """An environment variable whose value ECS reads when the task starts."""

    name: EnvironmentName
    """The variable's name."""

    value_from: SecretReference
    """ARN of the Secrets Manager secret or Parameter Store parameter that holds the value."""


Environment = Annotated[tuple[EnvironmentVariable, ...], Field(max_length=64, json_schema_extra=keyed_by("name"))]
Secrets = Annotated[tuple[Secret, ...], Field(max_length=20, json_schema_extra=keyed_by("name"))]
