"""IAM's policy simulator ("SimulatePrincipalPolicy", IAM API reference): what a user or role would be allowed."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from ..identity_policy import decide, unknown_keys
from . import callers
from .demand import members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .callers import Caller
    from .conditions import Value

_DECISIONS: Final = {"allowed": "allowed", "denied": "explicitDeny", "not allowed": "implicitDeny"}
# "EvalDecision reflects the most restrictive decision across all resources" (EvaluationResult).
_MOST_RESTRICTIVE: Final = ("explicitDeny", "implicitDeny", "allowed")


class NoSuchIdentityError(Exception):
    """There is no user or role of this ARN."""


def answer(account: str, form: Mapping[str, Any]) -> str:
    """Return the answer's XML; call it where moto's state may be read.

    Raises NoSuchIdentityError.
    """
    source = form.get("PolicySourceArn", "")
    caller = callers.by_arn(account, source)
    if caller is None:
        raise NoSuchIdentityError(f"The identity {source} was not found.")
    resources = [item[""] for item in members(form, "ResourceArns")] or ["*"]
    context = {entry["ContextKeyName"]: _values(entry) for entry in members(form, "ContextEntries")}
    results = [_result(caller, item[""], resources, context) for item in members(form, "ActionNames")]
    inner = _list("EvaluationResults", results) + _element("IsTruncated", "false")
    metadata = f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
    return (
        '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<SimulatePrincipalPolicyResult>{inner}</SimulatePrincipalPolicyResult>{metadata}"
        "</SimulatePrincipalPolicyResponse>"
    )


def _values(entry: Mapping[str, str]) -> Value:
    values = tuple(item[""] for item in members(entry, "ContextKeyValues"))
    return values if entry.get("ContextKeyType", "").endswith("List") else values[0]


def _result(caller: Caller, action: str, resources: Sequence[str], context: Mapping[str, Value]) -> str:
    decisions = {resource: _decision(caller, action, resource, context) for resource in resources}
    missing = {resource: _missing(caller, action, resource, context) for resource in resources}
    specific = [
        _element("EvalResourceName", escape(resource))
        + _element("EvalResourceDecision", decision)
        + _keys(missing[resource])
        + _boundary(caller, action, [resource], context)
        for resource, decision in decisions.items()
    ]
    return (
        _element("EvalActionName", escape(action))
        + _element("EvalResourceName", escape(resources[0]))
        + _element("EvalDecision", min(decisions.values(), key=_MOST_RESTRICTIVE.index))
        + _keys(sorted({key for keys in missing.values() for key in keys}))
        + _boundary(caller, action, resources, context)
        + _list("ResourceSpecificResults", specific if list(resources) != ["*"] else [])
    )


def _decision(caller: Caller, action: str, resource: str, context: Mapping[str, Value]) -> str:
    decision = decide(caller.policies, action=action, resource=resource, context=context)
    if decision == "allowed" and caller.boundary:
        decision = decide((caller.boundary,), action=action, resource=resource, context=context)
    return _DECISIONS[decision]


def _missing(caller: Caller, action: str, resource: str, context: Mapping[str, Value]) -> list[str]:
    return unknown_keys(caller.policies, action=action, resource=resource, context=context)


def _keys(names: Sequence[str]) -> str:
    return _list("MissingContextValues", list(map(escape, names)))


def _boundary(caller: Caller, action: str, resources: Sequence[str], context: Mapping[str, Value]) -> str:
    if not caller.boundary:
        return ""
    within = all(
        decide((caller.boundary,), action=action, resource=resource, context=context) == "allowed"
        for resource in resources
    )
    detail = _element("AllowedByPermissionsBoundary", str(within).lower())
    return _element("PermissionsBoundaryDecisionDetail", detail)


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"


def _list(name: str, items: Sequence[str]) -> str:
    return _element(name, "".join(_element("member", item) for item in items))
