"""What the two executors offer to a task's life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..images import Image


class CannotStart(Exception):  # noqa: N818
    """The container can not be started; the text is what ECS gives as the container's reason."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume at a path of a container; `folder` is what it is called by, below the executor's own folder."""

    folder: str
    path: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class ContainerRun:
    """A container to start: the command already put together from image, definition and override."""

    task_id: str
    name: str
    image: Image
    command: tuple[str, ...]
    environment: Mapping[str, str]
    address: str
    write_line: Callable[[str], None]
    mounts: tuple[Mount, ...] = ()


class RunningContainer(Protocol):
    """A container that has been started."""

    async def wait(self) -> int:
        """Return the exit code, once it has ended: 128 + n when signal n ended it."""

    def signal(self, number: int) -> None:
        """Send a signal to its first process, SIGKILL to all of them; nothing happens when it has ended."""

    async def check(self, command: list[str], *, timeout: float) -> bool:  # noqa: ASYNC109
        """Run a health check's command inside it and say whether it succeeded within `timeout` seconds."""


class Executor(Protocol):
    """Starts containers."""

    async def start(self, run: ContainerRun) -> RunningContainer:
        """Start it; raise CannotStart."""

    async def close(self) -> None:
        """End all containers at once."""
