"""Tags in the two spellings that AWS has for them."""

from collections.abc import Iterable, Mapping
from typing import Any

INSTALL_TAG = "ecs.dask.org/install"
"""On all that an operator has made."""


def ecs_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as ECS takes them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def from_ecs(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return tags as ECS gives them."""
    return {tag["key"]: tag.get("value", "") for tag in tags}


def upper_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as EC2 and IAM take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def from_upper(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return tags as EC2 and IAM give them."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def carries(tags: Mapping[str, str], expected: Mapping[str, str]) -> bool:
    """Whether all expected tags are there."""
    return expected.items() <= tags.items()
