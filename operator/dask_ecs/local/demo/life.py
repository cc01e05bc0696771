"""One DaskCluster's life: applied, computed on, scaled, broken, deleted. Each step is a check."""

import base64
import contextlib
import dataclasses
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.local.demo.account import Account
from dask_ecs.local.demo.errors import check
from dask_ecs.local.demo.shell import Shell
from dask_ecs.local.demo.transcript import Transcript

_POLL_INTERVAL = 0.2  # seconds
_COMPUTATION = "dask_ecs.local.demo.computation"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Act:
    """What is shown of one manifest."""

    title: str
    manifest: Path
    name: str
    """The DaskCluster's name in the manifest."""

    workers: int
    """How many the manifest asks for."""

    scale_to: tuple[int, ...]
    gpu: bool = False


class Life:
    """The steps of one act, in the order in which they are to be called."""

    def __init__(
        self,
        act: Act,
        *,
        shell: Shell,
        transcript: Transcript,
        aws: LocalAWS,
        account: Account,
        deadline: float = 90.0,
    ) -> None:
        """``deadline`` is how many seconds a step may take that waits for the operator."""
        self._act = act
        self._object = f"dkc/{act.name}"
        self._shell = shell
        self._transcript = transcript
        self._aws = aws
        self._account = account
        self._deadline = deadline

    def apply(self) -> float:
        """Apply the manifest; return when, in seconds since the epoch."""
        self._transcript.output(self._act.manifest.read_text())
        applied_at = time.time()
        self._shell.kubectl("apply", "-f", str(self._act.manifest))
        return applied_at

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Show the object's columns and events as they come, until the `with` block ends.

        The program that computes later is started too: until it is needed, it has read what it is made of.
        """
        name = self._act.name
        columns = self._shell.kubectl_in_background("get", "dkc", name, "--watch", mark="dkc")
        events = self._shell.kubectl_in_background("events", "--for", f"daskcluster/{name}", "--watch", mark="event")
        with columns, events, tempfile.TemporaryDirectory(prefix="dask-ecs-binding-") as folder:
            gpu = ["--gpu"] if self._act.gpu else []
            arguments = ["-m", _COMPUTATION, "--binding", folder, "--workers", str(self._act.workers), *gpu]
            with self._shell.python_begun(*arguments) as self._show_computation:
                self._binding = Path(folder)
                yield

    def await_ready(self) -> None:
        """Wait for Ready."""
        self._kubectl_wait("condition=Ready")
        self._check_workers(self._act.workers)

    def compute(self) -> None:
        """Compute by what the binding Secret holds, and check the results."""
        self._mount_binding()
        self._show_computation(self._deadline)
        self._transcript.good("the results are right")

    def scale(self, replicas: int) -> None:
        """Scale by kubectl, and wait until it is so on AWS too."""
        self._shell.kubectl("scale", self._object, f"--replicas={replicas}")
        self._kubectl_wait(f"jsonpath={{.status.workers.summary}}={replicas}/{replicas}")
        self._check_workers(replicas)

    def crash_a_worker(self, *, workers: int) -> None:
        """Kill a worker's process, and wait for its replacement."""
        before = self._running_workers()
        victim = min(before)
        self._transcript.say(f"kill -9 the process of {victim.rsplit('/', 1)[-1]}, one of the workers' ECS tasks")
        self._aws.kill_container(victim)

        def replaced() -> bool:
            now = self._running_workers()
            return victim not in now and len(now) == workers and self._status()["workers"]["running"] == workers

        self._await(replaced, f"the killed worker was not replaced after {self._deadline:.0f} s")
        self._kubectl_wait("condition=Ready")
        new = self._running_workers() - before
        check(len(new) == 1, f"one worker was killed and {len(new)} were started")
        self._transcript.good(f"{min(new).rsplit('/', 1)[-1]} has taken its place")

    def delete(self) -> float:
        """Delete the object; return how many seconds it took until it was gone."""
        start = time.monotonic()
        self._shell.kubectl("delete", "-f", str(self._act.manifest), timeout=self._deadline)
        return time.monotonic() - start

    def addresses(self) -> tuple[str, str]:
        """Return where clients connect, and where the dashboard is."""
        status = self._status()
        return status["schedulerAddress"], status["dashboardLink"]

    def worker_log(self) -> list[str]:
        """Return what a worker has written to CloudWatch Logs."""
        status = self._status()
        task = min(self._running_workers()).rsplit("/", 1)[-1]
        streams = self._account.logs.describe_log_streams(logGroupName=status["logGroup"])["logStreams"]
        stream = next((each["logStreamName"] for each in streams if task in each["logStreamName"]), None)
        check(stream is not None, f"the worker's task {task} has no log stream in {status['logGroup']}")
        events = self._account.logs.get_log_events(
            logGroupName=status["logGroup"], logStreamName=stream, startFromHead=True
        )["events"]
        return [event["message"] for event in events]

    def _mount_binding(self) -> None:
        """Have the binding Secret in the folder, as a pod has it that mounts it."""
        name = self._status()["binding"]["name"]
        data = json.loads(self._shell.quietly("get", "secret", name, "--output=json"))["data"]
        self._transcript.say(f"how to connect is in the Secret {name}: {', '.join(sorted(data))}")
        told, address = base64.b64decode(data["uri"]).decode(), self.addresses()[0]
        check(told == address, f"the Secret {name} says {told}, status.schedulerAddress {address}")
        for key in sorted(data, key="uri".__eq__):  # the one that is waited for comes last
            part = self._binding / f".{key}"
            part.write_bytes(base64.b64decode(data[key]))
            part.rename(self._binding / key)

    def _kubectl_wait(self, condition: str) -> None:
        seconds = f"--timeout={self._deadline:.0f}s"
        self._shell.kubectl("wait", f"--for={condition}", self._object, seconds, timeout=self._deadline + 10)

    def _check_workers(self, expected: int) -> None:
        running = len(self._running_workers())
        check(running == expected, f"{running} ECS tasks of workers are running, not {expected}")
        self._transcript.good(f"ecs:DescribeTasks: tasks of workers that are RUNNING: {running}")

    def _running_workers(self) -> set[str]:
        status = self._status()
        uid = status["selector"].partition("=")[2]
        return {
            task["taskArn"]
            for task in self._account.tasks(status["clusterArn"])
            if task["startedBy"].endswith(f"/{uid}") and task["containers"][0]["name"] == "worker"
            if task["lastStatus"] == task["desiredStatus"] == "RUNNING"
        }

    def _status(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads(self._shell.quietly("get", self._object, "--output=json"))["status"]
        return found

    def _await(self, fact: Callable[[], bool], otherwise: str) -> None:
        until = time.monotonic() + self._deadline
        while not fact():
            check(time.monotonic() < until, otherwise)
            time.sleep(_POLL_INTERVAL)
