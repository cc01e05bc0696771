"""Whose a thing is that has the name we would give it."""

from collections.abc import Mapping

from dask_ecs.aws.errors import Kind, NotOursError
from dask_ecs.aws.operations import Operation
from dask_ecs.aws.tags import carries


def check(tags: Mapping[str, str], own_tags: Mapping[str, str], *, what: str, operation: Operation) -> None:
    """Check that a thing carries the tags of what was made for these clusters.

    Raises:
        NotOursError: it does not: somebody else has made it, or has changed its tags.

    """
    if not carries(tags, own_tags):
        raise NotOursError(
            operation=str(operation),
            code="NotOurs",
            message=f"{what} was not made for these clusters, or has lost its tags; rename or delete it",
            kind=Kind.NEEDS_USER,
        )
