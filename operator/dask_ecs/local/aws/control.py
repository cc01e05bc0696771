"""The control API under /_local/: what no AWS client may use, and every test wants."""

from __future__ import annotations

import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from pydantic import ValidationError

from .faults import Fault
from .images import Image

if TYPE_CHECKING:
    from .calls import CallLog
    from .capacity import Capacity
    from .delays import Delays
    from .ecs.service import Ecs
    from .ecs.task import Task
    from .faults import Faults
    from .images import ImageTable
    from .throttle import Throttle

_LARGEST: Final = 1024 * 1024
"""Bytes of the largest request that is read."""


class Control:
    """Reads and changes what AWS' API can not."""

    def __init__(
        self,
        *,
        ecs: Ecs,
        calls: CallLog,
        faults: Faults,
        capacity: Capacity,
        delays: Delays,
        images: ImageTable,
        throttle: Throttle,
    ) -> None:
        self._ecs = ecs
        self._calls = calls
        self._faults = faults
        self._capacity = capacity
        self._delays = delays
        self._images = images
        self._throttle = throttle

    def routes(self) -> list[web.RouteDef]:
        """Return the API's routes."""
        return [
            web.get("/_local/calls", self.calls),
            web.get("/_local/call-log", self.call_log),
            web.get("/_local/denials", self.denials),
            web.delete("/_local/calls", self.reset_calls),
            web.post("/_local/faults", self.add_fault),
            web.delete("/_local/faults", self.clear_faults),
            web.post("/_local/capacity", self.set_capacity),
            web.post("/_local/throttle", self.set_throttle),
            web.post("/_local/delays", self.set_delays),
            web.post("/_local/images", self.change_images),
            web.post("/_local/tasks/kill", self.kill_container),
            web.post("/_local/tasks/interrupt-spot", self.interrupt_spot),
        ]

    async def calls(self, request: web.Request) -> web.Response:
        """Count calls by operation."""
        return web.json_response(dict(self._calls.counts))

    async def call_log(self, request: web.Request) -> web.Response:
        """Return the last calls with their parameters: of one `operation` or all, `since` a Unix time or all."""
        return web.json_response(self._calls.calls(request.query.get("operation"), since=_since(request)))

    async def denials(self, request: web.Request) -> web.Response:
        """Return the calls that their callers' policies did not allow: `since` a Unix time or all."""
        return web.json_response(self._calls.denials(since=_since(request)))

    async def reset_calls(self, request: web.Request) -> web.Response:
        """Start counting anew."""
        self._calls.reset()
        return web.json_response({})

    async def add_fault(self, request: web.Request) -> web.Response:
        """Put a fault in force."""
        try:
            fault = Fault.model_validate(await _body(request))
        except ValidationError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        self._faults.add(fault)
        return web.json_response({})

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Take all faults out of force."""
        self._faults.clear()
        return web.json_response({})

    async def set_capacity(self, request: web.Request) -> web.Response:
        """Say how many more Fargate tasks can be run; null is without end."""
        fargate = (await _body(request)).get("fargate")
        if fargate is not None and (not isinstance(fargate, int) or fargate < 0):
            raise web.HTTPBadRequest(text="fargate must be a number, at least 0, or null")
        self._capacity.left = fargate
        return web.json_response({})

    async def set_throttle(self, request: web.Request) -> web.Response:
        """Turn ECS' request rates on or off."""
        self._throttle.on = bool((await _body(request)).get("on"))
        return web.json_response({})

    async def set_delays(self, request: web.Request) -> web.Response:
        """Change delays; return all of them."""
        try:
            self._delays.update(await _body(request))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return web.json_response(asdict(self._delays))

    async def change_images(self, request: web.Request) -> web.Response:
        """Add rows to the image table and remove others; return all of them."""
        body = await _body(request)
        try:
            rows = [Image.model_validate(row) for row in body.get("add") or []]
        except ValidationError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        for row in rows:
            self._images.add(row)
        for name in body.get("remove") or []:
            self._images.remove(name)
        return web.json_response([row.model_dump(mode="json") for row in self._images.rows()])

    async def kill_container(self, request: web.Request) -> web.Response:
        """Send a signal to a task's containers, or to one of them."""
        body = await _body(request)
        number = signal.Signals(int(body.get("signal") or signal.SIGKILL))
        if not self._ecs.lives.kill(self._task(body), number=number, container=body.get("container")):
            raise web.HTTPConflict(text="no container of the task is running")
        return web.json_response({})

    async def interrupt_spot(self, request: web.Request) -> web.Response:
        """Take a task's Spot capacity away: SIGTERM now, SIGKILL after its stopTimeout."""
        task = self._task(await _body(request))
        if task.capacity_provider != "FARGATE_SPOT":
            raise web.HTTPConflict(text="the task does not run on FARGATE_SPOT")
        task.end(code="SpotInterruption", reason="Your Spot Task was interrupted.")
        task.stop_asked.set()
        return web.json_response({})

    def _task(self, body: dict[str, Any]) -> Task:
        for _, task in self._ecs.tasks():
            if task.arn == body.get("task"):
                return task
        raise web.HTTPNotFound(text="no such task")


def _since(request: web.Request) -> float:
    try:
        return float(request.query.get("since", 0))
    except ValueError:
        raise web.HTTPBadRequest(text="since must be a Unix time in seconds") from None


async def _body(request: web.Request) -> dict[str, Any]:
    if (request.content_length or 0) > _LARGEST:
        raise web.HTTPRequestEntityTooLarge(max_size=_LARGEST, actual_size=request.content_length or 0)
    try:
        body = await request.json()
    except ValueError:
        raise web.HTTPBadRequest(text="the body must be JSON") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body must be a JSON object")
    return body
