"""One thing that a request must be allowed to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..ecs.service import Ecs
    from ..wire import ServiceCall
    from .conditions import Value


@dataclass(frozen=True, slots=True)
class Demand:
    """An action on a resource, with the context keys that the request carries for it."""

    action: str
    resource: str = "*"
    context: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """A call, whose it is, and where its things can be looked up."""

    call: ServiceCall
    account: str
    ecs: Ecs

    @property
    def action(self) -> str:
        """The action that is called as the operation is."""
        return self.call.name

    def __getitem__(self, parameter: str) -> Any:
        return self.call.parameters.get(parameter)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of something of this account, in the call's region."""
        return f"arn:aws:{service}:{self.call.region}:{self.account}:{resource}"


def requested(tags: Mapping[str, str]) -> dict[str, Value]:
    """Return the context keys for the tags that a request sets."""
    if not tags:
        return {}
    return {**{f"aws:RequestTag/{key}": value for key, value in tags.items()}, "aws:TagKeys": tuple(tags)}


def carried(tags: Mapping[str, str], *prefixes: str) -> dict[str, Value]:
    """Return the context keys for the tags that a resource has; some services have a name of their own for these."""
    return {f"{prefix}:ResourceTag/{key}": value for prefix in ("aws", *prefixes) for key, value in tags.items()}


def members(form: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of AWS's query protocol: `Name.1.Key=` or `Name.member.1.Key=`; a plain item has the key ""."""
    found: dict[int, dict[str, Any]] = {}
    for key, value in form.items():
        if not key.startswith(f"{name}."):
            continue
        number, _, rest = key[len(name) + 1 :].removeprefix("member.").partition(".")
        if number.isdecimal():
            found.setdefault(int(number), {})[rest] = value
    return [found[number] for number in sorted(found)]


def upper_tags(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return tags that are written `Key` and `Value`."""
    return {str(item["Key"]): str(item.get("Value", "")) for item in items}
