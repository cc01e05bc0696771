"""Account settings: what ECS does by default in this account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .errors import InvalidParameterException

if TYPE_CHECKING:
    from .model import EcsState

# "Account settings" in the ECS guide.
_DEFAULTS: Final = {
    "awsvpcTrunking": "disabled",
    "containerInsights": "disabled",
    "containerInstanceLongArnFormat": "enabled",
    "defaultLogDriverMode": "non-blocking",
    "dualStackIPv6": "enabled",
    "fargateTaskRetirementWaitPeriod": "7",
    "guardDutyActivate": "off",
    "serviceLongArnFormat": "enabled",
    "tagResourceAuthorization": "on",
    "taskLongArnFormat": "enabled",
}


def list_account_settings(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """List what was set, with `effectiveSettings` also what is so by default."""
    settings = {**(_DEFAULTS if request.get("effectiveSettings") else {}), **state.account_settings}
    return {
        "settings": [
            _describe(state, name, value)
            for name, value in sorted(settings.items())
            if request.get("name") in (None, name) and request.get("value") in (None, value)
        ]
    }


def put_account_setting(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Set one, for every principal: this account has only one."""
    name, value = request["name"], request["value"]
    if name not in _DEFAULTS:
        raise InvalidParameterException(f"The setting name {name} is not valid.")
    state.account_settings[name] = value
    return {"setting": _describe(state, name, value)}


def _describe(state: EcsState, name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value, "principalArn": f"arn:aws:iam::{state.account}:root", "type": "user"}
