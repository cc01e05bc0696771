"""A local AWS as a child process: for tests, the demo, and `dask-ecs local up`."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Literal, Self

from .addresses import DEFAULT_VPC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

READY_WITHIN = 60.0
"""Seconds until the server must be ready; it takes 2 to 3 on an idle machine."""


# No proxy is asked: the address is of this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LocalAWSError(Exception):
    """The server did not start, or refused a control call."""


class LocalAWS:
    """A running local AWS, and its control API.

    `url` is its endpoint, `environment` what an AWS client needs, `pid` its process.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str, region: str) -> None:
        self.url = url
        self.pid = process.pid
        self.region = region
        self._process = process

    @classmethod
    @contextlib.contextmanager
    def start(
        cls,
        *,
        executor: Literal["process", "sim"] = "process",
        profile: str = "default",
        port: int = 0,
        region: str = "eu-west-1",
        vpc: str = DEFAULT_VPC,
        image_table: Path | None = None,
        throttle: bool = False,
        delays: dict[str, float] | None = None,
    ) -> Iterator[Self]:
        """Start a server and stop it at the end; it also ends when this process does, however that ends.

        Raises LocalAWSError with the end of the server's log when it is not ready within a minute.
        """
        arguments = ["--executor", executor, "--profile", profile, "--port", str(port), "--region", region]
        arguments += ["--vpc", vpc, "--until-stdin-closes"]
        arguments += ["--throttle"] if throttle else []
        arguments += ["--image-table", str(image_table)] if image_table else []
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask_ecs.local.aws", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # moto's own boto3 must not look for the user's profile.
                env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
                start_new_session=True,
            )
            try:
                url = _read_ready(process)
                if url is None:
                    log.seek(0)
                    raise LocalAWSError(f"the local AWS did not start:\n{log.read()[-4000:].decode(errors='replace')}")
                aws = cls(process, url, region)
                if delays:
                    aws.delays(**delays)
                yield aws
            finally:
                _stop(process)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to use this AWS by any SDK."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def calls(self) -> dict[str, int]:
        """Count the calls since the start or the last reset, by operation: `ecs:RunTask`."""
        counts: dict[str, int] = self._control("GET", "calls")
        return counts

    def reset_calls(self) -> None:
        """Start counting and logging calls anew."""
        self._control("DELETE", "calls")

    def call_log(self, operation: str | None = None, *, since: float = 0.0) -> list[dict[str, Any]]:
        """Return the last 10,000 calls, oldest first: operation, region, caller, parameters, `at`, outcome and so on.

        With `operation` those of one only; with `since` those of that Unix time and later, which costs less.
        """
        query = {"since": str(since), **({"operation": operation} if operation else {})}
        log: list[dict[str, Any]] = self._control("GET", f"call-log?{urllib.parse.urlencode(query)}")
        return log

    def denials(self, *, since: float = 0.0) -> list[dict[str, Any]]:
        """Return the calls that their callers' policies did not allow: operation, caller, message, `at`.

        Resetting the calls keeps them; with `since` those of that Unix time and later.
        """
        denials: list[dict[str, Any]] = self._control("GET", f"denials?since={since}")
        return denials

    def fault(
        self,
        operation: str,
        *,
        code: str | None = None,
        message: str = "Injected by the local AWS.",
        count: int | None = None,
        latency: float = 0.0,
        probability: float = 1.0,
        status: int = 400,
        after: bool = False,
    ) -> None:
        """Let the next `count` calls of an operation (`ecs:RunTask`, `ecs:*`, `*`) fail or be slow.

        With `after` the call is carried out and its answer lost: the connection closes. Without `code` and `after`
        the call is only `latency` seconds slower.
        """
        fault = {
            "operation": operation,
            "code": code,
            "message": message,
            "count": count,
            "latency": latency,
            "probability": probability,
            "status": status,
            "after": after,
        }
        self._control("POST", "faults", fault)

    def clear_faults(self) -> None:
        """Let no more calls fail."""
        self._control("DELETE", "faults")

    def set_capacity(self, *, fargate: int | None) -> None:
        """Let so many more Fargate tasks be run; None is without end."""
        self._control("POST", "capacity", {"fargate": fargate})

    def set_throttle(self, *, on: bool) -> None:
        """Enforce ECS' documented request rates, or do not."""
        self._control("POST", "throttle", {"on": on})

    def kill_container(self, task_arn: str, *, signal: int = signal.SIGKILL, container: str | None = None) -> None:
        """Send a signal to a task's containers, or to one of them."""
        self._control("POST", "tasks/kill", {"task": task_arn, "signal": int(signal), "container": container})

    def interrupt_spot(self, task_arn: str) -> None:
        """Take a task's Spot capacity away."""
        self._control("POST", "tasks/interrupt-spot", {"task": task_arn})

    def delays(self, **seconds: float) -> dict[str, float]:
        """Change delays by the names in `delays.Delays`; return all of them."""
        delays: dict[str, float] = self._control("POST", "delays", seconds)
        return delays

    def images(self, *, add: Iterable[dict[str, Any]] = (), remove: Iterable[str] = ()) -> list[dict[str, Any]]:
        """Add rows to the image table (fields of `images.Image`) and remove others by glob; return all of them."""
        rows: list[dict[str, Any]] = self._control("POST", "images", {"add": list(add), "remove": list(remove)})
        return rows

    def kill(self) -> None:
        """End the server by SIGKILL, as a crash would."""
        self._process.kill()
        self._process.wait()

    def _control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/_local/{path}", data=data, method=method, headers={"Content-Type": "application/json"}
        )
        try:
            with _opener.open(request, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise LocalAWSError(f"{method} /_local/{path}: {error.read().decode(errors='replace')}") from None


def _read_ready(process: subprocess.Popen[bytes]) -> str | None:
    """Return the URL of the `ready` line; None when the server ends without it or takes too long."""
    assert process.stdout is not None
    deadline = time.monotonic() + READY_WITHIN
    read = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                continue
            chunk = os.read(process.stdout.fileno(), 4096)
            read += chunk
            for line in read.decode().splitlines(keepends=True):
                if line.startswith("ready ") and line.endswith("\n"):
                    return line.split()[1]
            if not chunk:
                return None
    return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, then make it; its reaper ends whatever is left in both cases."""
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
