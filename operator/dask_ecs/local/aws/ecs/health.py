"""Container health checks, as Docker runs them for ECS."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..executors.container import RunningContainer
    from .task import Container


async def watch_health(container: Container, running: RunningContainer) -> None:
    """Run the container's health check until cancelled; defaults are those of HealthCheck in the ECS API reference."""
    settings = container.definition["healthCheck"]
    interval = float(settings.get("interval") or 30)
    timeout = float(settings.get("timeout") or 5)
    retries = int(settings.get("retries") or 3)
    grace_ends = time.monotonic() + float(settings.get("startPeriod") or 0)
    kind, *arguments = settings["command"]
    command = ["/bin/sh", "-c", " ".join(arguments)] if kind == "CMD-SHELL" else arguments
    if kind not in ("CMD", "CMD-SHELL"):
        command = settings["command"]
    failed = 0
    while True:
        await asyncio.sleep(interval)
        if await running.check(command, timeout=timeout):
            failed = 0
            container.health = "HEALTHY"
        elif container.health == "HEALTHY" or time.monotonic() > grace_ends:
            failed += 1
            if failed >= retries:
                container.health = "UNHEALTHY"
