"""Pages of a list, as all of ECS' List operations give them."""

from __future__ import annotations

import base64
from typing import Any, Final

from .errors import InvalidParameterException

PAGE: Final = 100
"""ECS' default and largest page."""


def page(key: str, arns: list[str], request: dict[str, Any]) -> dict[str, Any]:
    """Return the page that `nextToken` and `maxResults` of the request name, and the next one's token."""
    size = int(request.get("maxResults") or PAGE)
    if not 1 <= size <= PAGE:
        raise InvalidParameterException("maxResults must be between 1 and 100.")
    start = _read(request["nextToken"]) if request.get("nextToken") else 0
    answer: dict[str, Any] = {key: arns[start : start + size]}
    if start + size < len(arns):
        answer["nextToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return answer


def _read(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token))
    except ValueError:
        raise InvalidParameterException("Invalid token.") from None
