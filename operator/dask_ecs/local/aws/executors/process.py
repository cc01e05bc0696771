"""Containers as processes of this machine, each task's bound to the task's own loopback address."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..images import SYSTEM_PATH
from .container import CannotStart

if TYPE_CHECKING:
    from collections.abc import Callable

    from .container import ContainerRun

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_SHIM: Final = Path(__file__).parent.parent / "shim"
_LINE: Final = 256 * 1024
"""The largest CloudWatch log event, in bytes; a longer line is cut into several."""

_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_the_server() -> None:
    """Run in the child: the kernel kills it when the thread that started it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class ProcessContainer:
    """A running process, leader of a session of its own."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        *,
        output: int,
        mounted: list[str],
        write_line: Callable[[str], None],
        environment: dict[str, str],
    ) -> None:
        self._process = process
        self._mounted = mounted
        self._write_line = write_line
        self._environment = environment
        self._output = asyncio.create_task(self._pump(output))

    async def wait(self) -> int:
        """Return the exit code; what is left of the session is killed, as a container's is with its first process."""
        code = await self._process.wait()
        self._kill_session()
        # A process that left the session can hold the pipe open: it must not hold up the task.
        await asyncio.wait({self._output}, timeout=2)
        self._output.cancel()
        return 128 - code if code < 0 else code

    def signal(self, number: int) -> None:
        """Signal the first process, with SIGKILL the whole session."""
        if self._process.returncode is not None:
            return
        if number == signal.SIGKILL:
            self._kill_session()
        else:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def check(self, command: list[str], *, timeout: float) -> bool:  # noqa: ASYNC109
        """Run a health check in the container's environment."""
        try:
            check = await asyncio.create_subprocess_exec(
                *self._mounted,
                *(self._whole(command) if self._mounted else command),
                env=self._environment,
                cwd=self._environment["HOME"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_die_with_the_server,
            )
        except OSError:
            return False
        try:
            async with asyncio.timeout(timeout):
                return await check.wait() == 0
        except TimeoutError:
            return False
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(check.pid, signal.SIGKILL)

    def _whole(self, command: list[str]) -> list[str]:
        """Return a command with its program's whole path."""
        return [shutil.which(command[0], path=self._environment["PATH"]) or command[0], *command[1:]]

    def _kill_session(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def _pump(self, output: int) -> None:
        stream = asyncio.StreamReader(limit=_LINE)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(output, "rb", buffering=0)
        )
        with contextlib.closing(transport):
            while line := await _read_line(stream):
                self._write_line(line.decode(errors="replace").rstrip("\r\n"))


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    """Return the next line or as much of it as a log event can hold, nothing at the end."""
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError as overrun:
        return await stream.readexactly(overrun.consumed)


class ProcessExecutor:
    """Starts processes and leaves none behind, even when the server is killed."""

    def __init__(self, *, endpoint: str, folder: Path) -> None:
        """`folder` is for the containers' homes; it is removed at the end."""
        self._endpoint = endpoint
        self._marker = uuid.uuid4().hex
        self._folder = folder
        self._containers: set[ProcessContainer] = set()
        self._reaper = subprocess.Popen(
            [sys.executable, "-IS", str(Path(__file__).with_name("reaper.py")), self._marker, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        if sys.version_info < (3, 12):
            # The default before 3.12 waits for each process in a thread of its own.
            watcher = asyncio.PidfdChildWatcher()
            watcher.attach_loop(asyncio.get_running_loop())
            asyncio.get_event_loop_policy().set_child_watcher(watcher)

    async def start(self, run: ContainerRun) -> ProcessContainer:
        """Start the process in a fresh home folder; raise CannotStart."""
        home = self._folder / run.task_id[:12] / run.name
        home.mkdir(parents=True, exist_ok=True)
        environment = self._environment(run, home)
        program = shutil.which(run.command[0], path=environment["PATH"]) if run.command else None
        if program is None:
            raise CannotStart(
                "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task:"
                " failed to create shim task: OCI runtime create failed: unable to start container process: exec:"
                f' "{run.command[0] if run.command else ""}": executable file not found in $PATH: unknown'
            )
        mounted = self._mounted(run)
        # Not asyncio's own pipe: with that, a process counts as ended only when its last descendant closes it.
        output, child_output = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *mounted,
                program,
                *run.command[1:],
                env=environment,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=child_output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_the_server,
            )
        except OSError as error:
            os.close(output)
            raise CannotStart(f"CannotStartContainerError: {error}") from error
        finally:
            os.close(child_output)
        container = ProcessContainer(
            process, output=output, mounted=mounted, write_line=run.write_line, environment=environment
        )
        self._containers.add(container)
        asyncio.create_task(self._forget(container, home)).add_done_callback(lambda done: done.exception())
        return container

    async def close(self) -> None:
        """Kill every container and wait for the reaper to confirm that nothing is left."""
        for container in list(self._containers):
            container.signal(signal.SIGKILL)
        assert self._reaper.stdin is not None
        self._reaper.stdin.close()
        await asyncio.to_thread(self._reaper.wait, 15)

    async def _forget(self, container: ProcessContainer, home: Path) -> None:
        await container.wait()
        self._containers.discard(container)
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)

    def _mounted(self, run: ContainerRun) -> list[str]:
        """Return what comes before a command so that it finds its volumes where its mount points say."""
        if not run.mounts:
            return []
        mounts = [(str(self._folder / mount.folder), mount.path, mount.read_only) for mount in run.mounts]
        for folder, _, _ in mounts:
            Path(folder).mkdir(parents=True, exist_ok=True)
        return [sys.executable, "-IS", str(Path(__file__).with_name("mounted.py")), json.dumps(mounts)]

    def _environment(self, run: ContainerRun, home: Path) -> dict[str, str]:
        asked = {**run.image.environment, **run.environment}
        return {
            "PATH": os.pathsep.join(run.image.path or SYSTEM_PATH),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            # What a task reaches AWS with; on AWS the credentials come from the task's role.
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            **asked,
            "HOME": str(home),
            "TMPDIR": str(home),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_SHIM), asked.get("PYTHONPATH")))),
            "LOCALAWS_IP": run.address,
            "LOCALAWS_SERVER": self._marker,
        }
