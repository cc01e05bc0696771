"""Moto, which answers for all of AWS but ECS, in one thread of its own: it is not thread-safe."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

T = TypeVar("T")

# Read by moto when it is imported; without it AttachRolePolicy refuses AWS' managed policies.
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")

from moto.iam.models import get_account_id_from, iam_backends  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402

_HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Moto:
    """Calls into moto, one at a time."""

    def __init__(self) -> None:
        self._application = DomainDispatcherApplication(create_backend_app)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moto")

    async def run(self, function: Callable[[], T]) -> T:
        """Call `function` where nothing else touches moto's state meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def forward(self, request: web.Request, body: bytes) -> Answer:
        """Let moto answer the request."""
        environ = _environ(request, body)
        return await self.run(lambda: self._call(environ))

    def account(self, access_key: str) -> str:
        """Return the account that the access key belongs to, moto's own for a key that it does not know."""
        return str(get_account_id_from(access_key))

    def gave_out(self, account: str, access_key: str) -> bool:
        """Whether IAM or STS has made this access key; any other key is taken too."""
        return access_key in iam_backends[account]["aws"].access_keys

    def close(self) -> None:
        """Stop the thread, without waiting for what it does."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _call(self, environ: dict[str, Any]) -> Answer:
        status = 500
        headers: list[tuple[str, str]] = []

        def start_response(line: str, fields: list[tuple[str, str]], exc_info: object = None) -> None:
            nonlocal status, headers
            status = int(line.split()[0])
            headers = [(name, value) for name, value in fields if name.lower() not in _HOP_BY_HOP]

        chunks = self._application(environ, start_response)
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        return Answer(status, headers, body)


def _environ(request: web.Request, body: bytes) -> dict[str, Any]:
    """Return the request as WSGI (PEP 3333) has it."""
    path = request.rel_url.raw_path
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": urllib.parse.unquote(path),
        "QUERY_STRING": request.rel_url.raw_query_string,
        "REQUEST_URI": request.rel_url.raw_path_qs,
        "RAW_URI": request.rel_url.raw_path_qs,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(request.url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        if key != "CONTENT_LENGTH":
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ
