"""The Condition of a policy's statement ("IAM JSON policy elements: Condition operators", IAM user guide)."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = str | tuple[str, ...]
"""What a context key holds: one value, or the several of a key such as aws:TagKeys."""


def hold(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, Value]) -> bool:
    """Whether all conditions hold for a call with these context keys; keys are known without regard to case."""
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _holds(operator, listed(expected), known.get(key.lower()))
        for operator, pairs in conditions.items()
        for key, expected in pairs.items()
    )


def matches(value: str, pattern: str) -> bool:
    """Whether the text matches; IAM's wildcards are * and ? only."""
    return _compiled(pattern).fullmatch(value) is not None


@functools.lru_cache(maxsize=16384)
def _compiled(pattern: str) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(character) or re.escape(character) for character in pattern), re.DOTALL)


def listed(value: object) -> list[str]:
    """Return what an element of a policy lists, which may be one text, several, or nothing."""
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]


_COMPARISONS: Final[dict[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda actual, expected: actual == expected,
    "StringEqualsIgnoreCase": lambda actual, expected: actual.lower() == expected.lower(),
    "StringLike": matches,
    "ArnEquals": matches,
    "ArnLike": matches,
    "Bool": lambda actual, expected: actual.lower() == expected.lower(),
}
_NEGATIONS: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def _holds(operator: str, expected: list[str], actual: Value | None) -> bool:
    if operator == "Null":
        return expected == [str(actual is None).lower()]
    quantifier, _, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    if name not in _COMPARISONS and name not in _NEGATIONS:
        raise NotImplementedError(f"the local AWS does not know the condition operator {operator}")
    negated = name in _NEGATIONS
    compare = _COMPARISONS[_NEGATIONS.get(name, name)]
    if actual is None:
        # A key that is not there satisfies what is negated, what asks only if it is there, and what asks of each value.
        return negated or rest != name or quantifier == "ForAllValues"
    values = (actual,) if isinstance(actual, str) else actual

    def fits(value: str) -> bool:
        return any(compare(value, each) for each in expected) != negated

    return all(map(fits, values)) if quantifier == "ForAllValues" else any(map(fits, values))
