"""Whether a resource's policy lets an AWS service in ("Policy evaluation logic", IAM user guide).

Moto's own evaluation does not know services as principals, nor any condition but StringEquals.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def admits(policy: str | None, *, service: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether a service such as `events.amazonaws.com` may do this: some statement allows it and none denies it."""
    statements = json.loads(policy)["Statement"] if policy else []
    effects = {
        statement["Effect"]
        for statement in ([statements] if isinstance(statements, dict) else statements)
        if _is_about(statement, service=service, action=action, resource=resource)
        and conditions_hold(statement, context)
    }
    return effects == {"Allow"}


def _is_about(statement: Mapping[str, Any], *, service: str, action: str, resource: str) -> bool:
    principal = statement.get("Principal", {})
    principals = ["*"] if principal == "*" else [*listed(principal.get("Service")), *_everybody(principal)]
    return (
        any(each in ("*", service) for each in principals)
        and any(fnmatchcase(action.lower(), each.lower()) for each in listed(statement.get("Action")))
        and any(fnmatchcase(resource, each) for each in listed(statement.get("Resource")))
    )


def _everybody(principal: Mapping[str, Any]) -> list[str]:
    return [each for each in listed(principal.get("AWS")) if each == "*"]


def conditions_hold(statement: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether all of a statement's conditions hold for a call with these context keys."""
    return all(
        _holds(operator, listed(expected), context.get(key))
        for operator, pairs in statement.get("Condition", {}).items()
        for key, expected in pairs.items()
    )


def _holds(operator: str, expected: list[str], actual: str | None) -> bool:
    if actual is None:
        return False
    if operator in ("ArnEquals", "ArnLike", "StringLike"):
        return any(fnmatchcase(actual, each) for each in expected)
    if operator == "StringEquals":
        return actual in expected
    return operator == "Bool" and actual in [each.lower() for each in expected]


def listed(value: object) -> list[str]:
    """Return what an element of a policy lists, which may be one text, several, or nothing."""
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
