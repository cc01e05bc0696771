"""Whose a thing is that has the name we would give it."""

from collections.abc import Mapping
from typing import Any

from dask_ecs.aws.errors import Kind, NotOursError
from dask_ecs.aws.operations import Operation
from dask_ecs.aws.tags import carries, from_ecs, from_upper


def is_ours(found: Mapping[str, Any], own_tags: Mapping[str, str]) -> bool:
    """Whether a thing, as AWS describes it, carries the tags of what was made for these clusters."""
    return carries({**from_upper(found.get("Tags", ())), **from_ecs(found.get("tags", ()))}, own_tags)


def check(found: Mapping[str, Any], own_tags: Mapping[str, str], *, what: str, operation: Operation) -> None:
    """Check that a thing, as AWS describes it, carries the tags of what was made for these clusters.

    Raises:
        NotOursError: it does not: somebody else has made it, or has changed its tags.

    """
    if not is_ours(found, own_tags):
        raise NotOursError(
            operation=str(operation),
            code="NotOurs",
            message=f"{what} was not made for these clusters, or has lost its tags; rename or delete it",
            kind=Kind.NEEDS_USER,
        )
