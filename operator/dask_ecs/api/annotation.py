"""The annotations by which people tell the operator something that is no part of the spec."""

from collections.abc import Mapping
from typing import Final

PAUSED: Final = "ecs.dask.org/paused"
"""While it is there, and is not `false`, nothing is changed on AWS, nor is the object let go."""

RECONCILE_REQUESTED_AT: Final = "ecs.dask.org/reconcile-requested-at"
"""A new value, whatever it is, has all that was made looked at anew, and tried at once what waits for its time."""

WAKE: Final = "ecs.dask.org/wake"
"""A new value, whatever it is, starts a cluster again that rests."""

# Kubernetes bounds only the size of all annotations together, 256 KiB; the status repeats these.
MAX_VALUE: Final = 256


def is_paused(annotations: Mapping[str, str]) -> bool:
    """Whether nothing is to be done."""
    return annotations.get(PAUSED, "false") != "false"


def value(annotations: Mapping[str, str], name: str) -> str | None:
    """Return the part of an annotation's value that counts, None if it is not there."""
    found = annotations.get(name)
    return None if found is None else found[:MAX_VALUE]
