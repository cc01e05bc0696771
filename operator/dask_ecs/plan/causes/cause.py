"""One thing that AWS or Dask says, what it means and what to do about it."""

from __future__ import annotations

import dataclasses
import functools
import re


@dataclasses.dataclass(frozen=True)
class Cause:
    """A row of the tables: by which words it is known, and a condition's reason and the fix for them.

    `pattern` is a regular expression that is looked for without regard to case, `reason` one word in CamelCase, `fix` a
    sentence or two for a person, which name the field or option to change.
    """

    pattern: str
    reason: str
    fix: str

    @functools.cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE | re.DOTALL)

    def explains(self, text: str) -> bool:
        """Whether the text says this."""
        return self._expression.search(text) is not None


def first(causes: tuple[Cause, ...], text: str) -> Cause | None:
    """Return the first cause that explains the text, so that the special stands before the general."""
    return next((cause for cause in causes if cause.explains(text)), None)
