"""The commands that look, at a cluster that runs."""

import os
import subprocess
import sys
from pathlib import Path

from dask_ecs.local.stack import Stack

from .connecting import connect
from .tenant import RunningCluster


def dask_ecs(stack: Stack, *arguments: str) -> str:
    command: list[str | Path] = [Path(sys.executable).parent / "dask-ecs", *arguments]
    environment = {**os.environ, **stack.environment}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_describe_shows_a_cluster_with_its_tasks_and_events(stack: Stack, running: RunningCluster) -> None:
    running.tenant.wait_until_ready("demo", workers=2)
    shown = dask_ecs(stack, "describe", "demo", "--namespace", running.tenant.namespace)
    assert running.status["schedulerAddress"] in shown
    for task in running.account.live_tasks(running.ecs_cluster, uid=running.uid):
        assert task["taskArn"].rpartition("/")[2] in shown
    assert "Running with 2 workers" in shown
    assert shown.rstrip().endswith("nothing: all is well")


def test_logs_are_those_of_the_tasks_that_are_asked_for(stack: Stack, running: RunningCluster) -> None:
    namespace = running.tenant.namespace
    everything = dask_ecs(stack, "logs", "demo", "-n", namespace)
    assert {line.split()[0] for line in everything.splitlines()} == {"scheduler", "worker"}
    (scheduler,) = running.account.live_tasks(running.ecs_cluster, uid=running.uid, role="scheduler")
    beginning = scheduler["taskArn"].rpartition("/")[2][:6]
    lines = dask_ecs(stack, "logs", "demo", "scheduler", beginning, "-n", namespace, "--tail", "2").splitlines()
    assert len(lines) == 2
    assert {line.split(" | ")[0] for line in lines} == {"scheduler"}
    assert dask_ecs(stack, "logs", "demo", "worker", "-n", namespace, "--since", "0s") == ""


def test_logs_are_followed(stack: Stack, running: RunningCluster) -> None:
    arguments = ("logs", "demo", "scheduler", "--namespace", running.tenant.namespace, "--follow", "--tail", "1")
    with subprocess.Popen(
        [Path(sys.executable).parent / "dask-ecs", *arguments],
        env={**os.environ, **stack.environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("scheduler | ")
            with connect(running.tenant, "demo"):
                assert any("Receive client connection" in line for line in process.stdout)
        finally:
            process.kill()
