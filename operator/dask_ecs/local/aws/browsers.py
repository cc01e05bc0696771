"""Keeps browsers out: whoever may call this server can run programs here, and a web page must not be able to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
_SENT_BY_BROWSERS_ONLY: Final = ("Origin", "Sec-Fetch-Site")


@web.middleware
async def refuse_browsers(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer 403 to what a browser sent, and to a host name that is not this machine's (DNS rebinding)."""
    if (request.url.host or "") not in _HOSTS:
        raise web.HTTPForbidden(text="Use http://127.0.0.1 or http://localhost.")
    if any(name in request.headers for name in _SENT_BY_BROWSERS_ONLY):
        raise web.HTTPForbidden(text="The local AWS does not talk to browsers.")
    return await handler(request)
