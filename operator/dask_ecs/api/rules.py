"""A check that is written once and made twice: by the API server as a CEL rule, and here in Python.

The API server refuses what breaks a rule at `kubectl apply`; the models refuse it again because the operator may
read objects that an older CRD let through. Both say the same words.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

RULES_KEY = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One check of a value, as metadata of an annotated type or in the `rules` of a `Model`."""

    cel: str
    """What the API server evaluates, in the Common Expression Language; `self` is the value."""

    holds: Callable[[Any], bool] | None
    """The same in Python. None for a transition rule: it compares with `oldSelf`, which only the server has."""

    message: str
    """What a person should do about it."""

    message_cel: str | None = None
    """A CEL expression that gives a more helpful message."""

    explain: Callable[[Any], str] | None = None
    """The same in Python."""

    field: str = ""
    """Which field below the value is to blame, as a path: `.worker.gpu`."""

    def schema(self) -> dict[str, str]:
        """Return the entry of `x-kubernetes-validations`."""
        entry = {"rule": self.cel, "message": self.message}
        if self.message_cel:
            entry["messageExpression"] = self.message_cel
        if self.field:
            entry["fieldPath"] = self.field
        return entry

    def broken_by(self, value: Any) -> str | None:
        """Return the message if the value breaks the rule."""
        if self.holds is None or self.holds(value):
            return None
        return self.explain(value) if self.explain else self.message

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        json_schema = handler(schema)
        json_schema.setdefault(RULES_KEY, []).append(self.schema())
        return json_schema

    def _check(self, value: Any) -> Any:
        if message := self.broken_by(value):
            raise broken([(self.field, message)])
        return value


def matching(pattern: str, message: str) -> Rule:
    """Return the rule that a whole text matches a pattern, one that RE2 and Python read alike."""
    compiled = re.compile(pattern)
    return Rule(
        cel=f"self.matches(r'^(?:{pattern})$')",
        holds=lambda text: compiled.fullmatch(text) is not None,
        message=message,
    )


def broken(problems: list[tuple[str, str]]) -> PydanticCustomError:
    """Return the error for broken rules, each a field's path and a message."""
    text = "; ".join(message for _, message in problems)
    # The text is a parameter, not the template, because a message may hold braces.
    return PydanticCustomError("broken_rule", "{text}", {"text": text, "problems": problems})
