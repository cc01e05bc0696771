"""TagResource, UntagResource, ListTagsForResource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import ClientException, ClusterNotFoundException, InvalidParameterException
from .model import tags_from, tags_to

if TYPE_CHECKING:
    from .model import EcsState


def tag_resource(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or change their values."""
    tags = _tags_of(state, request["resourceArn"])
    tags |= tags_from(request["tags"])
    return {}


def untag_resource(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Remove tags."""
    tags = _tags_of(state, request["resourceArn"])
    for key in request["tagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags_for_resource(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """List a resource's tags."""
    return {"tags": tags_to(_tags_of(state, request["resourceArn"]))}


def find(state: EcsState, arn: str) -> dict[str, str]:
    """Return a thing's tags, none where it is not there."""
    kind, _, name = arn.removeprefix(state.arn("")).partition("/")
    if kind == "capacity-provider":  # which can not be tagged anew here
        return tags_from(state.capacity_providers.get(name, {}).get("tags"))
    try:
        return _tags_of(state, arn)
    except InvalidParameterException:
        return {}


def _tags_of(state: EcsState, arn: str) -> dict[str, str]:
    missing = InvalidParameterException(
        "The specified resource does not exist. Specify a valid resource and try again."
    )
    kind, _, rest = arn.removeprefix(state.arn("")).partition("/")
    try:
        if kind == "cluster":
            return state.cluster(arn).tags
        if kind == "task-definition":
            return state.task_definition(arn).tags
        if kind in ("task", "container-instance"):
            name, _, identifier = rest.partition("/")
            cluster = state.cluster(name)
            return (cluster.tasks if kind == "task" else cluster.instances)[identifier].tags
    except (ClusterNotFoundException, ClientException, KeyError):
        raise missing from None
    raise missing
