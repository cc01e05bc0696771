"""Whether a resource's policy lets an AWS service in ("Policy evaluation logic", IAM user guide).

Moto's own evaluation does not know services as principals, nor any condition but StringEquals.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .authorization import conditions

if TYPE_CHECKING:
    from collections.abc import Mapping


def admits(policy: str | None, *, service: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether a service such as `events.amazonaws.com` may do this: some statement allows it and none denies it."""
    statements = json.loads(policy)["Statement"] if policy else []
    effects = {
        statement["Effect"]
        for statement in ([statements] if isinstance(statements, dict) else statements)
        if _is_about(statement, service=service, action=action, resource=resource)
        and conditions.hold(statement.get("Condition", {}), context)
    }
    return effects == {"Allow"}


def _is_about(statement: Mapping[str, Any], *, service: str, action: str, resource: str) -> bool:
    principal = statement.get("Principal", {})
    principals = ["*"] if principal == "*" else [*conditions.listed(principal.get("Service")), *_everybody(principal)]
    return (
        any(each in ("*", service) for each in principals)
        and any(conditions.matches(action.lower(), each.lower()) for each in conditions.listed(statement.get("Action")))
        and any(conditions.matches(resource, each) for each in conditions.listed(statement.get("Resource")))
    )


def _everybody(principal: Mapping[str, Any]) -> list[str]:
    return [each for each in conditions.listed(principal.get("AWS")) if each == "*"]
