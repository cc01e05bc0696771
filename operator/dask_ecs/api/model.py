"""The base of all models: camelCase in JSON, snake_case in Python, frozen, with rules."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from dask_ecs.api.rules import RULES_KEY, Rule, broken

WITHOUT_RULES = {"rules": False}
"""The context in which fields are read as they are, whatever others say."""


class Model(BaseModel):
    """A part of an object of the API; a docstring below a field is what `kubectl explain` says of it."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="ignore",  # a field that a newer CRD brought is none of ours
        frozen=True,
        populate_by_name=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    """Checks that need more than one field."""

    @model_validator(mode="after")
    def _keep_the_rules(self, info: ValidationInfo) -> Self:
        if info.context == WITHOUT_RULES:
            return self
        problems = [(rule.field, message) for rule in self.rules if (message := rule.broken_by(self))]
        if problems:
            raise broken(problems)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        json_schema = handler(schema)
        if cls.rules:
            handler.resolve_ref_schema(json_schema)[RULES_KEY] = [rule.schema() for rule in cls.rules]
        return json_schema


def problems(error: ValidationError) -> list[str]:
    """Return what is wrong, one line a field: `spec.worker.cpu: write vCPUs as ...`."""
    lines = []
    for detail in error.errors(include_url=False):
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
        found = detail.get("ctx", {}).get("problems", [("", detail["msg"])])
        lines += [f"{path}{field}: {message}" for field, message in found]
    return lines
