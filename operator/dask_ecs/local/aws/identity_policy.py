"""Whether a role's own policies let it do something ("Policy evaluation logic", IAM user guide)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .resource_policy import conditions_hold, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def allows(documents: Iterable[str], *, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether some statement of these policies allows it and none denies it."""
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _statements(document)
        if _is_about(statement, action=action, resource=resource) and conditions_hold(statement, context)
    }
    return effects == {"Allow"}


def _statements(document: str) -> list[Mapping[str, Any]]:
    statements = json.loads(document)["Statement"]
    return [statements] if isinstance(statements, dict) else statements


def _is_about(statement: Mapping[str, Any], *, action: str, resource: str) -> bool:
    return _names(statement, "Action", action.lower()) and _names(statement, "Resource", resource)


def _names(statement: Mapping[str, Any], element: str, value: str) -> bool:
    """Whether `Action` or `Resource` names the value, or `NotAction` or `NotResource` does not."""
    negative = f"Not{element}"
    patterns = listed(statement.get(element, statement.get(negative)))
    if element == "Action":
        patterns = [pattern.lower() for pattern in patterns]
    return any(_matches(value, pattern) for pattern in patterns) != (negative in statement)


def _matches(value: str, pattern: str) -> bool:
    """Whether the text matches; IAM's wildcards are * and ? only."""
    wildcards = {"*": ".*", "?": "."}
    expression = "".join(wildcards.get(character) or re.escape(character) for character in pattern)
    return re.fullmatch(expression, value, re.DOTALL) is not None
