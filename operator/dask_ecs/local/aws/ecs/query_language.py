"""ECS' cluster query language: which container instances an expression names ("Cluster query language", ECS guide).

Known are attributes, `agentConnected`, `ec2InstanceId` and the numbers of CPU and memory; of `task:group` nothing.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any, Final

from .errors import InvalidParameterException

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import ContainerInstance

_TOKEN: Final = re.compile(r"\s*(?P<token>\|\||&&|==|!=|=~|!~|<=|>=|<|>|[()\[\],]|!|[^\s()\[\],=!<>|&]+)")
_WORDS: Final = {
    "and": "&&",
    "or": "||",
    "not": "!",
    "equals": "==",
    "not_equals": "!=",
    "matches": "=~",
    "not_matches": "!~",
    "greater_than": ">",
    "greater_than_equal": ">=",
    "less_than": "<",
    "less_than_equal": "<=",
    "not_exists": "!exists",
    "not_in": "!in",
}
_ORDERS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def names(expression: str, instance: ContainerInstance) -> bool:
    """Whether the expression names the instance; raise InvalidParameterException for one that is none."""
    reader = _Reader(expression, instance)
    found = reader.either()
    if reader.left():
        raise _unreadable()
    return found


def _unreadable() -> InvalidParameterException:
    return InvalidParameterException("Unable to parse the placement constraint expression.")


class _Reader:
    """Reads an expression from left to right and says of one instance what it comes to."""

    def __init__(self, expression: str, instance: ContainerInstance) -> None:
        self._instance = instance
        self._tokens: list[str] = []
        at = 0
        while at < len(expression.rstrip()):
            found = _TOKEN.match(expression, at)
            if found is None:
                raise _unreadable()
            self._tokens.append(_WORDS.get(found["token"], found["token"]))
            at = found.end()

    def left(self) -> bool:
        return bool(self._tokens)

    def either(self) -> bool:
        found = self._both()
        while self._take("||"):
            found = self._both() or found
        return found

    def _both(self) -> bool:
        found = self._one()
        while self._take("&&"):
            found = self._one() and found
        return found

    def _one(self) -> bool:
        if self._take("!"):
            return not self._one()
        if self._take("("):
            found = self.either()
            self._expect(")")
            return found
        return self._comparison()

    def _comparison(self) -> bool:
        value = self._value(self._next())
        sign = self._next()
        negated = sign == "!"
        if negated:  # `!exists` and `!in` are read in two
            sign = self._next()
        negated = negated or sign in ("!=", "!~", "!exists", "!in")
        match sign.lstrip("!"):
            case "exists":
                found = value is not None
            case "in":
                found = value in self._list()
            case "=" | "==":
                found = value == self._next()
            case "~" | "=~":
                found = value is not None and re.fullmatch(self._next(), value) is not None
            case order if order in _ORDERS:
                found = value is not None and _ORDERS[order](float(value), float(self._next()))
            case _:
                raise _unreadable()
        return found != negated

    def _list(self) -> list[str]:
        self._expect("[")
        items = [self._next()]
        while self._take(","):
            items.append(self._next())
        self._expect("]")
        return items

    def _value(self, subject: str) -> str | None:
        instance = self._instance
        if subject.startswith("attribute:"):
            return instance.attributes.get(subject.removeprefix("attribute:"))
        known: dict[str, Any] = {
            "agentConnected": "true",
            "ec2InstanceId": instance.ec2_instance_id,
            "registeredCpu": instance.size.vcpus * 1024,
            "registeredMemory": instance.size.registered_memory,
            "remainingCpu": instance.free_cpu,
            "remainingMemory": instance.free_memory,
        }
        if subject not in known:
            raise _unreadable()
        return str(known[subject])

    def _take(self, token: str) -> bool:
        taken = self._tokens[:1] == [token]
        if taken:
            del self._tokens[0]
        return taken

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise _unreadable()

    def _next(self) -> str:
        if not self._tokens:
            raise _unreadable()
        return self._tokens.pop(0)
