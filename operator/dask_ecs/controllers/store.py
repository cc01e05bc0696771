"""The last seen state of every object."""

from collections.abc import Iterator, Mapping
from typing import Any

Body = Mapping[str, Any]


def key_of(body: Body) -> str:
    """Return `namespace/name`."""
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"


class Store:
    """Objects by key. An older version never replaces a newer one of the same object, whichever way it came."""

    def __init__(self) -> None:
        self._bodies: dict[str, Body] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._bodies))

    def get(self, key: str) -> Body | None:
        """Return the object, None if there is none."""
        return self._bodies.get(key)

    def is_being_deleted(self, key: str) -> bool:
        """Whether somebody has asked to delete the object, or it is gone."""
        body = self._bodies.get(key)
        return body is None or "deletionTimestamp" in body["metadata"]

    def put(self, body: Body) -> bool:
        """Remember an object; return whether it is news."""
        key = key_of(body)
        before = self._bodies.get(key)
        if before and _uid(before) == _uid(body) and _version(body) <= _version(before):
            return False
        metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
        self._bodies[key] = {**body, "metadata": metadata}
        return True

    def remove(self, key: str, *, uid: str | None = None) -> None:
        """Forget an object; with `uid`, only if it is that one, not a successor of the same name."""
        before = self._bodies.get(key)
        if before is not None and uid in (None, _uid(before)):
            del self._bodies[key]


def _uid(body: Body) -> str:
    return str(body["metadata"]["uid"])


def _version(body: Body) -> int:
    # Kubernetes: "API concepts": resource versions of one resource may be compared as numbers (since 1.35).
    return int(body["metadata"]["resourceVersion"])
