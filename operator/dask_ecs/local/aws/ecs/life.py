"""A task's life, by wall clock: PROVISIONING, PENDING, ACTIVATING, RUNNING, and back down to STOPPED."""

from __future__ import annotations

import asyncio
import logging
import signal
import uuid
from typing import TYPE_CHECKING, Final

from ..executors.container import CannotStart, ContainerRun
from ..logs import LogsError, LogStream, open_stream
from ..secrets import SecretsError
from ..vpc import NetworkError
from .health import watch_health
from .placement import give_back, place_waiting
from .pull import CannotPull, unknown_image, unreachable_registry
from .volumes import mounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..delays import Delays
    from ..executors.container import Executor, RunningContainer
    from ..images import Image, ImageTable
    from ..moto_server import Moto
    from ..secrets import Secrets
    from ..vpc import Vpcs
    from .model import EcsState
    from .task import Container, Task

_log = logging.getLogger(__name__)

_STOP_TIMEOUT: Final = 30.0
"""Seconds from SIGTERM to SIGKILL where the container definition has no stopTimeout (its page in the ECS API)."""


_LOOK_FOR_AN_INSTANCE: Final = 0.1
"""Seconds between two looks for an instance with room."""


class _StopAskedError(Exception):
    """StopTask came before the containers had been started."""


class _StartError(Exception):
    """The task can not start, for the reason in the text; the container that failed, where it was one."""

    def __init__(self, reason: str, container: Container | None = None) -> None:
        super().__init__(reason)
        self.container = container


class Lives:
    """Leads every task from RunTask to its end, each in an asyncio task of its own."""

    def __init__(
        self,
        *,
        delays: Delays,
        vpcs: Vpcs,
        images: ImageTable,
        moto: Moto,
        secrets: Secrets,
        executor: Executor,
        listener: Callable[[Task], None],
    ) -> None:
        self._delays = delays
        self._vpcs = vpcs
        self._images = images
        self._moto = moto
        self._secrets = secrets
        self._executor = executor
        self._listener = listener
        self._lives: set[asyncio.Task[None]] = set()
        self._running: dict[str, dict[str, RunningContainer]] = {}

    def begin(self, state: EcsState, task: Task) -> None:
        """Start the task's life, of which the listener is told from now on."""
        task.listener = self._listener
        self._listener(task)
        life = asyncio.create_task(self._live(state, task), name=task.arn)
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)

    def kill(self, task: Task, *, number: int = signal.SIGKILL, container: str | None = None) -> bool:
        """Send a signal to the task's containers, or to one; return whether any was running."""
        running = self._running.get(task.arn, {})
        for name, each in running.items():
            if container in (None, name):
                each.signal(number)
        return bool(running)

    async def close(self) -> None:
        """Abandon all lives; the executor ends the containers."""
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)

    async def _live(self, state: EcsState, task: Task) -> None:
        streams: list[LogStream] = []
        try:
            await self._provision(state, task)
            images = await self._pull(state, task)
            secrets = await self._read_secrets(state, task)
            running = await self._start(state, task, images, secrets, streams)
            await self._run(task, running)
        except _StopAskedError:
            task.now("stoppingAt")
        except _StartError as error:
            task.now("stoppingAt")
            if error.container:
                error.container.reason = str(error)
            # On EC2 the agent reports for the container; on Fargate ECS repeats it for the task.
            reason = str(error) if task.fargate or not error.container else "Task failed to start"
            task.end(code="TaskFailedToStart", reason=reason)
        except Exception as error:
            # The edge of a task's loop: an error here must not leave the task as it is for ever.
            _log.exception("the life of %s broke off", task.arn)
            self.kill(task)
            task.end(code="InfrastructureHealth", reason=f"The local AWS failed: {error!r}")
        finally:
            self._running.pop(task.arn, None)
        for stream in streams:
            await stream.close()
        await self._deprovision(state, task)
        task.now("stoppedAt")
        task.enter("STOPPED")
        await asyncio.sleep(self._delays.stopped_visible)
        task.cluster.tasks.pop(task.id, None)

    async def _provision(self, state: EcsState, task: Task) -> None:
        waited = task.waits_for_an_instance
        while task.waits_for_an_instance and not place_waiting(task):
            await self._pause(task, _LOOK_FOR_AN_INSTANCE)
        if waited and not task.network:
            task.enter("PENDING")
        if task.network:
            await self._pause(task, self._delays.provisioning)
            try:
                await self._vpcs.attach(state.account, state.region, task.network)
            except NetworkError as error:
                raise _StartError(str(error)) from None
            task.enter("PENDING")

    async def _pull(self, state: EcsState, task: Task) -> dict[str, Image]:
        task.now("pullStartedAt")
        await self._pause(task, self._delays.pending)
        images = {}
        for container in task.containers:
            name = str(container.definition["image"])
            try:
                # On EC2 the instance pulls, by its own network interface.
                if task.fargate and task.network:
                    reachable = await self._vpcs.reaches_the_internet(state.account, state.region, task.network)
                    if not reachable:
                        raise unreachable_registry(name)
                found = self._images.pull(name)
                if found is None:
                    raise unknown_image(name)
            except CannotPull as error:
                raise _StartError(str(error), container) from None
            images[container.name], container.image_digest = found
        task.now("pullStoppedAt")
        return images

    async def _read_secrets(self, state: EcsState, task: Task) -> dict[str, dict[str, str]]:
        """Return the variables of each container whose values ECS reads."""
        role = task.execution_role
        found = {}
        try:
            for container in task.containers:
                if registry := container.definition.get("repositoryCredentials"):
                    await self._secrets.check_registry(
                        state.account, state.region, role=role, arn=registry["credentialsParameter"]
                    )
                found[container.name] = await self._secrets.environment(
                    state.account, state.region, role=role, secrets=container.definition.get("secrets") or []
                )
        except SecretsError as error:
            raise _StartError(str(error)) from None
        return found

    async def _start(
        self,
        state: EcsState,
        task: Task,
        images: dict[str, Image],
        secrets: dict[str, dict[str, str]],
        streams: list[LogStream],
    ) -> dict[str, RunningContainer]:
        if self._delays.activating:
            task.enter("ACTIVATING")
            await self._pause(task, self._delays.activating)
        if task.stop_asked.is_set():
            raise _StopAskedError
        running = self._running[task.arn] = {}
        for container in task.containers:
            try:
                write_line = await self._log(state, task, container, streams)
                run = self._describe_run(
                    state, task, container, images[container.name], secrets[container.name], write_line
                )
                running[container.name] = await self._executor.start(run)
            except (LogsError, CannotStart) as error:
                await self._stop_containers(task, running)
                raise _StartError(str(error), container) from None
            container.runtime_id = f"{task.id}-{uuid.uuid4().int % 10**10:010d}"
            container.last_status = "RUNNING"
        task.now("startedAt")
        task.connectivity = "CONNECTED"
        task.now("connectivityAt")
        task.enter("RUNNING")
        return running

    async def _log(
        self, state: EcsState, task: Task, container: Container, streams: list[LogStream]
    ) -> Callable[[str], None]:
        stream = await open_stream(
            self._moto,
            state.account,
            configuration=container.definition.get("logConfiguration") or {},
            container=container.name,
            task_id=task.id,
        )
        if stream is None:
            return lambda line: None
        streams.append(stream)
        return stream.write

    def _describe_run(
        self,
        state: EcsState,
        task: Task,
        container: Container,
        image: Image,
        secrets: dict[str, str],
        write_line: Callable[[str], None],
    ) -> ContainerRun:
        entrypoint = container.definition.get("entryPoint")
        # As with Docker, an entry point of one's own takes the image's command away.
        command = container.command or (() if entrypoint else image.command)
        environment = {
            "AWS_REGION": state.region,
            "AWS_DEFAULT_REGION": state.region,
            **secrets,
            **container.environment,
        }
        if container.gpus:
            environment["NVIDIA_VISIBLE_DEVICES"] = ",".join(container.gpu_ids)
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(container.gpu_indexes)
        return ContainerRun(
            task_id=task.id,
            name=container.name,
            image=image,
            command=(*(entrypoint or image.entrypoint), *command),
            environment=environment,
            address=task.address,
            write_line=write_line,
            mounts=mounts(task, container),
        )

    async def _run(self, task: Task, running: dict[str, RunningContainer]) -> None:
        essential_ended = asyncio.Event()
        waiters = [
            asyncio.create_task(self._wait(task, container, running[container.name], essential_ended))
            for container in task.containers
        ]
        checks = [
            asyncio.create_task(watch_health(container, running[container.name]))
            for container in task.containers
            if "healthCheck" in container.definition
        ]
        asked = asyncio.create_task(task.stop_asked.wait())
        ended = asyncio.create_task(essential_ended.wait())
        await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
        for done in (asked, ended, *checks):
            done.cancel()
        task.end(code="EssentialContainerExited", reason="Essential container in task exited")
        task.now("stoppingAt")
        if not all(waiter.done() for waiter in waiters):
            if self._delays.deactivating:
                task.enter("DEACTIVATING")
                await asyncio.sleep(self._delays.deactivating)
            task.enter("STOPPING")
            await self._stop_containers(task, running)
        await asyncio.gather(*waiters)

    async def _wait(
        self, task: Task, container: Container, running: RunningContainer, essential_ended: asyncio.Event
    ) -> None:
        container.exit_code = await running.wait()
        container.last_status = "STOPPED"
        task.changed()
        if container.essential:
            essential_ended.set()

    async def _stop_containers(self, task: Task, running: dict[str, RunningContainer]) -> None:
        async def stop(container: Container) -> None:
            process = running[container.name]
            process.signal(signal.SIGTERM)
            ended = asyncio.create_task(process.wait())
            timeout = float(container.definition.get("stopTimeout") or _STOP_TIMEOUT)
            if not (await asyncio.wait({ended}, timeout=timeout))[0]:
                process.signal(signal.SIGKILL)
            await ended

        await asyncio.gather(*(stop(container) for container in task.containers if container.name in running))

    async def _deprovision(self, state: EcsState, task: Task) -> None:
        task.now("executionStoppedAt")
        for container in task.containers:
            container.last_status = "STOPPED"
        if task.network:
            task.enter("DEPROVISIONING")
            await asyncio.sleep(self._delays.deprovisioning)
            if task.network.address:
                await self._vpcs.detach(state.account, state.region, task.network)
            task.network.status = "DELETED"
        if task.instance:
            give_back(task.instance, task)

    async def _pause(self, task: Task, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await task.stop_asked.wait()
        except TimeoutError:
            return
        raise _StopAskedError
