"""What the API server holds against a manifest by the CRD's schema alone, and the models let pass."""

import difflib
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dask_ecs.api.crd import crds

# Kubernetes: "Object Names and IDs": DNS subdomains (RFC 1123), and labels of them for namespaces.
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*", re.ASCII)
_NAMESPACE = re.compile(rf"(?=.{{1,63}}\Z){_LABEL}", re.ASCII)

_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "object": ((dict,), "an object"),
    "array": ((list,), "a list"),
    "string": ((str,), "a text, in quotes"),
    "boolean": ((bool,), "true or false"),
    "integer": ((int,), "a whole number, without quotes"),
    "int-or-string": ((int, str), "a whole number, or a text in quotes"),
}


def problems(body: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a DaskCluster, one line a field; the status, which nobody applies, is not looked at."""
    return list(_problems({key: value for key, value in body.items() if key != "status"}, _schema(), ""))


def problems_of_names(metadata: Mapping[str, Any]) -> list[str]:
    """Return what keeps an object and its namespace from having these names; that they are there, the models see."""
    found = []
    for key, pattern, length in (("name", _NAME, 253), ("namespace", _NAMESPACE, 63)):
        name = metadata.get(key)
        if isinstance(name, str) and not pattern.fullmatch(name):
            dots = ", dots" if pattern is _NAME else ""
            found.append(
                f"metadata.{key}: {name!r} is no name for Kubernetes: write at most {length} lower case letters, "
                f"digits{dots} and dashes, with a letter or digit at both ends"
            )
    return found


@functools.cache  # it takes a tenth of a second, and a file may hold many
def _schema() -> dict[str, Any]:
    (crd,) = crds()
    schema: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _problems(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    kind = "int-or-string" if schema.get("x-kubernetes-int-or-string") else schema["type"]
    types, words = _TYPES[kind]
    if not isinstance(_as_json(value), types) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{path}: has to be {words}"
    elif isinstance(value, dict):
        yield from _of_object(value, schema, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _problems(item, schema["items"], f"{path}[{index}]")
        yield from _twice(value, schema, path)


def _of_object(value: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
    fields = schema.get("properties")
    if fields is None:
        return
    for name, inner in value.items():
        where = f"{path}.{name}".lstrip(".")
        if name not in fields:
            close = difflib.get_close_matches(str(name), fields, n=1)
            yield f"{where}: there is no such field" + (f"; {close[0]} perhaps?" if close else "")
        elif inner is not None:  # a field without a value is as good as not there
            yield from _problems(inner, fields[name], where)


def _twice(items: Sequence[Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
    keys = schema.get("x-kubernetes-list-map-keys", [])
    if not keys and schema.get("x-kubernetes-list-type") != "set":
        return
    before = set()
    for index, item in enumerate(items):
        known = {key: item.get(key) for key in keys} if keys and isinstance(item, dict) else item
        what = json.dumps(known, default=str)
        if what in before:
            yield f"{path}[{index}]: {what} stands there before: leave one of them out"
        before.add(what)


def _as_json(value: Any) -> Any:
    """Return a number as kubectl sends it: 4.0 is 4."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
