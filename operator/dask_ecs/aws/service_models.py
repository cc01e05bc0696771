"""The SDK's descriptions of AWS's services, as much of them as is called: EC2's alone takes more memory than the rest.

A description lists a service's operations and the shapes of what they take and answer; clients have a method for each
operation that is in it.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from botocore import loaders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dask_ecs.aws.operations import Operation

_DESCRIPTION = "service-2"


def loader(operations: Iterable[Operation], *, data_path: str | None) -> loaders.Loader:
    """Return what loads descriptions for a session, each with these operations only.

    `data_path` is the session's own setting: folders in which descriptions are looked for besides the SDK's.
    """
    found = loaders.create_loader(data_path)
    found.file_loader = _Files(frozenset(operation.name for operation in operations))
    return found


class _Files(loaders.JSONFileLoader):
    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def load_file(self, file_path: str) -> Any:
        loaded = super().load_file(file_path)
        if loaded is None or PurePath(file_path).name != _DESCRIPTION:
            return loaded
        return of_operations(loaded, self._names)


def of_operations(description: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Return a description with the operations of these names, and the shapes that they refer to."""
    kept = {name: operation for name, operation in description["operations"].items() if name in names}
    shapes: dict[str, Any] = {}
    waiting = list(_shapes(kept))
    while waiting:
        if (name := waiting.pop()) not in shapes:
            shapes[name] = description["shapes"][name]
            waiting += _shapes(shapes[name])
    return {**description, "operations": _undocumented(kept), "shapes": _undocumented(shapes)}


def _shapes(part: Any) -> Iterator[str]:
    """Yield the names of the shapes that a part of a description refers to."""
    if isinstance(part, dict):
        if isinstance(part.get("shape"), str):
            yield part["shape"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _shapes(each)


def _undocumented(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _undocumented(value) for key, value in part.items() if not _is_prose(key, value)}
    return [_undocumented(each) for each in part] if isinstance(part, list) else part


def _is_prose(key: str, value: Any) -> bool:
    return key == "documentation" and isinstance(value, str)
