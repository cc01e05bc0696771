"""The local AWS, put together and served on one loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aiohttp import web

from .addresses import DEFAULT_VPC
from .authorization.authority import Authority
from .autoscaling.groups import Groups
from .browsers import refuse_browsers
from .calls import CallLog
from .capacity import Capacity
from .control import Control
from .delays import Delays
from .dependencies import Dependencies
from .ecs.life import Lives
from .ecs.service import Ecs
from .eventbridge import EventBridge
from .executors.process import ProcessExecutor
from .executors.simulated import SimulatedExecutor
from .faults import Faults
from .front import Front
from .images import Image, ImageTable, default_rows
from .instances import Instances
from .managed_scaling import ManagedScaling
from .moto_server import Moto
from .roles import Roles
from .secrets import Secrets
from .sqs.service import Sqs
from .stand_ins.install import install_stand_ins
from .throttle import Throttle
from .vpc import Vpcs

if TYPE_CHECKING:
    from .executors.container import Executor

_LARGEST_REQUEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run it."""

    port: int = 0
    executor: Literal["process", "sim"] = "process"
    delays: Delays = field(default_factory=Delays)
    images: tuple[Image, ...] = ()
    throttle: bool = False
    seed: int = 0
    region: str = "eu-west-1"
    vpc: str = DEFAULT_VPC
    until_stdin_closes: bool = False


async def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM, or until standard input closes where that is asked for."""
    _allow_many_files()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if settings.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end_of_stdin, stop)
    app = web.Application(client_max_size=_LARGEST_REQUEST, middlewares=[refuse_browsers])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    async with contextlib.AsyncExitStack() as closing:
        listener = _listen(settings.port)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        executor: Executor
        if settings.executor == "process":
            folder = Path(tempfile.mkdtemp(prefix="localaws-"))
            executor = ProcessExecutor(endpoint=url, folder=folder)
            images = default_rows(install_stand_ins(folder / "bin"))
        else:
            executor = SimulatedExecutor()
            images = default_rows(None)
        await _assemble(settings, executor, ImageTable([*images, *settings.images]), app, closing)
        await runner.setup()
        closing.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener).start()
        print(f"ready {url}", flush=True)
        await stop.wait()


async def _assemble(
    settings: Settings,
    executor: Executor,
    images: ImageTable,
    app: web.Application,
    closing: contextlib.AsyncExitStack,
) -> None:
    moto = Moto()
    closing.callback(moto.close)
    closing.push_async_callback(executor.close)
    delays = settings.delays
    vpcs, capacity, calls = Vpcs(moto, delays, default_vpc=settings.vpc), Capacity(), CallLog()
    faults, throttle = Faults(seed=settings.seed), Throttle(on=settings.throttle)
    sqs = Sqs(moto)
    eventbridge = EventBridge(moto=moto, sqs=sqs, delays=delays)
    lives = Lives(
        delays=delays,
        vpcs=vpcs,
        images=images,
        moto=moto,
        secrets=Secrets(moto),
        executor=executor,
        listener=eventbridge.task_changed,
    )
    closing.push_async_callback(lives.close)
    ecs = Ecs(vpcs=vpcs, roles=Roles(moto, delays), capacity=capacity, lives=lives, groups=Groups(moto))
    instances = Instances(ecs=ecs, moto=moto, delays=delays)
    closing.push_async_callback(instances.close)
    scaling = ManagedScaling(ecs=ecs, moto=moto, instances=instances, delays=delays)
    scaling.start()
    closing.push_async_callback(scaling.close)
    front = Front(
        ecs=ecs,
        moto=moto,
        vpcs=vpcs,
        authority=Authority(moto, ecs),
        dependencies=Dependencies(moto),
        instances=instances,
        sqs=sqs,
        eventbridge=eventbridge,
        calls=calls,
        faults=faults,
        throttle=throttle,
    )
    control = Control(
        ecs=ecs, calls=calls, faults=faults, capacity=capacity, delays=delays, images=images, throttle=throttle
    )
    await vpcs.prepare(moto.account(""), settings.region)
    app.add_routes(control.routes())
    app.router.add_route("*", "/{path:.*}", front.handle)


def _allow_many_files() -> None:
    """Each process takes a pipe, each simulated scheduler a socket: take as many as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _stop_at_end_of_stdin(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()
