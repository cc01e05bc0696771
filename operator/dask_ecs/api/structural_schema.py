"""From a model to what Kubernetes calls a structural schema: no references, no alternatives, no null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dask_ecs.api.model import Model

_NOTHING: tuple[Any, ...] = (None, [], {})
_ORDER = ("description", "type", "format", "enum", "default")


def structural_schema(model: type[Model], *, defaults: bool) -> dict[str, Any]:
    """Return the schema of a model's JSON, as a CRD takes it; with defaults, the API server fills them in."""
    schema = model.model_json_schema(mode="serialization")
    return _structural(schema, schema.get("$defs", {}), defaults=defaults)


def _structural(node: Mapping[str, Any], definitions: Mapping[str, Any], *, defaults: bool) -> dict[str, Any]:
    def inner(schema: Mapping[str, Any]) -> dict[str, Any]:
        return _structural(schema, definitions, defaults=defaults)

    if "$ref" in node:
        # What stands beside a reference (a field's description, its default) wins over what it refers to.
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        return inner({**target, **{key: value for key, value in node.items() if key != "$ref"}})
    if "anyOf" in node:
        (only,) = (alternative for alternative in node["anyOf"] if alternative != {"type": "null"})
        return inner({**only, **{key: value for key, value in node.items() if key != "anyOf"}})
    result: dict[str, Any] = {}
    for key, value in node.items():
        match key:
            case "title" | "readOnly" | "$defs":
                continue
            case "default":
                if defaults and (default := _without_nothing(value)) not in _NOTHING:
                    result[key] = default
            case "properties":
                result[key] = {name: inner(field) for name, field in value.items()}
            case "items" | "additionalProperties":
                result[key] = inner(value)
            case _:
                result[key] = value
    return dict(sorted(result.items(), key=lambda item: _place(item[0])))


def _place(key: str) -> int:
    """Return where a key stands, so that the files read as a person would write them."""
    return _ORDER.index(key) if key in _ORDER else len(_ORDER)


def _without_nothing(value: Any) -> Any:
    """Return a default without what is absent or empty by default: the API server would write it into every object."""
    if not isinstance(value, dict):
        return value
    fields = {name: _without_nothing(field) for name, field in value.items()}
    return {name: field for name, field in fields.items() if field not in _NOTHING}
