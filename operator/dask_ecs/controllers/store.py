"""The last seen state of every object."""

import dataclasses
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Self

Body = Mapping[str, Any]


def key_of(body: Body) -> str:
    """Return `namespace/name`."""
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"


def is_settled(body: Body) -> bool:
    """Whether nobody asks anything of an object, and nothing of it is under way, by what is written there."""
    metadata, status = body["metadata"], body.get("status") or {}
    asked = metadata["generation"] != status.get("observedGeneration") or "deletionTimestamp" in metadata
    return not asked and "schedulerAddress" in status and not status.get("launches")


@dataclasses.dataclass(frozen=True, slots=True)
class _Kept:
    """An object as it is kept: most are looked at seldom, and packed they take a twentieth of the memory."""

    uid: str
    version: int
    is_being_deleted: bool
    is_settled: bool
    packed: bytes

    @classmethod
    def of(cls, body: Body) -> Self:
        metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
        return cls(
            uid=_uid(body),
            version=_version(body),
            is_being_deleted="deletionTimestamp" in metadata,
            is_settled=is_settled(body),
            packed=zlib.compress(json.dumps({**body, "metadata": metadata}).encode(), level=1),
        )

    @property
    def body(self) -> Body:
        unpacked: Body = json.loads(zlib.decompress(self.packed))
        return unpacked


class Store:
    """Objects by key. An older version never replaces a newer one of the same object, whichever way it came."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._kept))

    def get(self, key: str) -> Body | None:
        """Return the object, None if there is none."""
        found = self._kept.get(key)
        return found.body if found else None

    def is_being_deleted(self, key: str) -> bool:
        """Whether somebody has asked to delete the object, or it is gone."""
        found = self._kept.get(key)
        return found is None or found.is_being_deleted

    def is_settled(self, key: str) -> bool:
        """Whether nobody asks anything of the object, and nothing of it was under way when it was last written."""
        found = self._kept.get(key)
        return found is not None and found.is_settled

    def put(self, body: Body) -> bool:
        """Remember an object; return whether it is news."""
        key = key_of(body)
        before = self._kept.get(key)
        if before and before.uid == _uid(body) and _version(body) <= before.version:
            return False
        self._kept[key] = _Kept.of(body)
        return True

    def remove(self, key: str, *, uid: str | None = None) -> None:
        """Forget an object; with `uid`, only if it is that one, not a successor of the same name."""
        before = self._kept.get(key)
        if before is not None and uid in (None, before.uid):
            del self._kept[key]


def _uid(body: Body) -> str:
    return str(body["metadata"]["uid"])


def _version(body: Body) -> int:
    # Kubernetes: "API concepts": resource versions of one resource may be compared as numbers (since 1.35).
    return int(body["metadata"]["resourceVersion"])
