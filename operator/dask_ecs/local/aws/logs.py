"""CloudWatch Logs: where the `awslogs` log driver sends a container's output."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from typing import TYPE_CHECKING, Any, Final

from moto.logs.exceptions import ResourceAlreadyExistsException
from moto.logs.models import logs_backends

if TYPE_CHECKING:
    from .moto_server import Moto

_BATCH: Final = 1000
_PAUSE: Final = 0.1
"""Seconds between two batches, so that a line can be read soon and a flood costs few calls."""


class LogsError(Exception):
    """The log stream can not be made; the text is what ECS gives as the task's stoppedReason."""


class LogStream:
    """One container's log stream; lines are written in batches, in order."""

    def __init__(self, moto: Moto, logs: Any, *, group: str, name: str) -> None:
        self._moto = moto
        self._logs = logs
        self._group = group
        self._name = name
        self._lines: list[dict[str, Any]] = []
        self._flusher: asyncio.Task[None] | None = None

    def write(self, line: str) -> None:
        """Take one line; it is in CloudWatch a moment later."""
        self._lines.append({"timestamp": int(time.time() * 1000), "message": line})
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush_soon())

    async def close(self) -> None:
        """Write what is left."""
        if self._flusher:
            await self._flusher
        await self._flush()

    async def _flush_soon(self) -> None:
        await asyncio.sleep(_PAUSE)
        await self._flush()

    async def _flush(self) -> None:
        while self._lines:
            batch, self._lines = self._lines[:_BATCH], self._lines[_BATCH:]
            await self._moto.run(functools.partial(self._put, batch))

    def _put(self, batch: list[dict[str, Any]]) -> None:
        # The log group may have been deleted under a running task: its lines are lost, as they are on AWS.
        if self._name in getattr(self._logs.groups.get(self._group), "streams", {}):
            self._logs.put_log_events(self._group, self._name, batch)


async def open_stream(
    moto: Moto, account: str, *, configuration: dict[str, Any], container: str, task_id: str
) -> LogStream | None:
    """Open the stream that a container's logConfiguration names, None where it has no awslogs; raise LogsError."""
    if configuration.get("logDriver") != "awslogs":
        return None
    options = configuration.get("options") or {}
    group = options["awslogs-group"]
    prefix = options.get("awslogs-stream-prefix")
    name = f"{prefix}/{container}/{task_id}" if prefix else task_id
    create = options.get("awslogs-create-group") == "true"
    logs = await moto.run(lambda: logs_backends[account][options["awslogs-region"]])
    await moto.run(lambda: _create(logs, group, name, create_group=create))
    return LogStream(moto, logs, group=group, name=name)


def _create(logs: Any, group: str, name: str, *, create_group: bool) -> None:
    if group not in logs.groups:
        if not create_group:
            raise LogsError(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times:"
                " failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not"
                " exist. : exit status 1"
            )
        logs.create_log_group(group, {})
    with contextlib.suppress(ResourceAlreadyExistsException):
        logs.create_log_stream(group, name)
