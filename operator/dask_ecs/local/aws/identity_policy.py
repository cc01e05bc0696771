"""Whether a role's own policies let it do something ("Policy evaluation logic", IAM user guide)."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, Literal

from .authorization import conditions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .authorization.conditions import Value


def allows(documents: Iterable[str], *, action: str, resource: str, context: Mapping[str, Value]) -> bool:
    """Whether some statement of these policies allows it and none denies it."""
    return decide(documents, action=action, resource=resource, context=context) == "allowed"


def decide(
    documents: Iterable[str], *, action: str, resource: str, context: Mapping[str, Value]
) -> Literal["allowed", "denied", "not allowed"]:
    """Return what these policies say: a statement that denies counts for more than any that allows."""
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _about(document, action)
        if _names(statement, "Resource", resource) and conditions.hold(statement.get("Condition", {}), context)
    }
    if "Deny" in effects:
        return "denied"
    return "allowed" if effects else "not allowed"


def unknown_keys(documents: Iterable[str], *, action: str, resource: str, context: Mapping[str, Value]) -> list[str]:
    """Return the context keys that the statements about it ask for and that are not in the context."""
    known = {key.lower() for key in context}
    asked = {
        key
        for document in documents
        for statement in _about(document, action)
        if _names(statement, "Resource", resource)
        for pairs in statement.get("Condition", {}).values()
        for key in pairs
    }
    return sorted(key for key in asked if key.lower() not in known)


@functools.lru_cache(maxsize=16384)
def _about(document: str, action: str) -> tuple[Mapping[str, Any], ...]:
    """Return the statements of a policy that name the action; kept, for the same calls come again and again."""
    return tuple(statement for statement in _statements(document) if _names(statement, "Action", action.lower()))


@functools.lru_cache(maxsize=1024)
def _statements(document: str) -> tuple[Mapping[str, Any], ...]:
    statements = json.loads(document)["Statement"]
    return (statements,) if isinstance(statements, dict) else tuple(statements)


def _names(statement: Mapping[str, Any], element: str, value: str) -> bool:
    """Whether `Action` or `Resource` names the value, or `NotAction` or `NotResource` does not."""
    negative = f"Not{element}"
    patterns = conditions.listed(statement.get(element, statement.get(negative)))
    if element == "Action":
        patterns = [pattern.lower() for pattern in patterns]
    return any(conditions.matches(value, pattern) for pattern in patterns) != (negative in statement)
