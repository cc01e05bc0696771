"""Real Dask as tasks, and no process that outlives the server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Client

from dask_ecs.local.aws.handle import LocalAWS

from .account import Account, address
from .test_container_instances import launch

if TYPE_CHECKING:
    from collections.abc import Callable


def processes(word: str) -> list[int]:
    """Return the processes that have `word` in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word.encode() in command:
                found.append(int(entry.name))
    return found


def until(ready: Callable[[], Any], *, within: float = 15) -> None:
    deadline = time.monotonic() + within
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def dask_task(account: Account, cluster: str, command: list[str], **parameters: Any) -> str:
    definition = account.definition(None, image="ghcr.io/dask/dask:latest", command=command, **parameters)
    return account.run(cluster, definition)


def test_unmodified_dask_computes_on_tasks(account: Account) -> None:
    cluster = account.cluster()
    scheduler = dask_task(account, cluster, ["dask", "scheduler"])
    url = f"tcp://{address(account.until(cluster, scheduler, 'RUNNING'))}:8786"
    workers = [dask_task(account, cluster, ["dask", "worker", url, "--nthreads", "1"]) for _ in range(2)]
    with Client(url, timeout=30) as client:
        client.wait_for_workers(2, timeout=30)
        hosts = {worker["host"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()}
        assert hosts == {address(account.describe(cluster, arn)) for arn in workers}
        assert client.submit(sum, [1, 2, 3]).result(timeout=20) == 6
        client.shutdown()
    task = account.until(cluster, scheduler, "STOPPED")
    assert (task["stopCode"], task["containers"][0]["exitCode"]) == ("EssentialContainerExited", 0)


def test_a_task_can_call_aws(account: Account) -> None:
    cluster = account.cluster()
    program = "import boto3; boto3.client('ecs').list_clusters()"
    definition = account.definition(None, image="daskdev/dask:latest", command=["python", "-c", program])
    task = account.until(cluster, account.run(cluster, definition), "STOPPED", within=60)
    assert task["containers"][0]["exitCode"] == 0


def test_dask_cuda_worker_stands_in_with_one_worker_a_gpu(account: Account) -> None:
    cluster = account.cluster()
    scheduler = dask_task(account, cluster, ["dask", "scheduler"])
    url = f"tcp://{address(account.until(cluster, scheduler, 'RUNNING'))}:8786"
    launch(account, cluster, "g4dn.12xlarge")
    account.logs.create_log_group(logGroupName=f"cuda-{cluster}")
    definition = account.definition(
        None,
        fargate=False,
        image="rapidsai/base:26.08-cuda12-py3.12",
        command=["dask-cuda-worker", url, "--nthreads", "1", "--rmm-pool-size", "1GB", "--name", "gpu"],
        resourceRequirements=[{"type": "GPU", "value": "2"}],
        memory=1024,
        logConfiguration={
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": f"cuda-{cluster}",
                "awslogs-region": "eu-west-1",
                "awslogs-stream-prefix": "w",
            },
        },
    )
    network = account.network(assignPublicIp="DISABLED")
    worker = account.run(cluster, definition, launchType="EC2", networkConfiguration=network)
    with Client(url, timeout=30) as client:
        client.wait_for_workers(2, timeout=30)
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        assert {each["name"] for each in workers} == {"gpu-0", "gpu-1"}
        assert {each["host"] for each in workers} == {address(account.describe(cluster, worker))}
        visible = client.run(os.getenv, "CUDA_VISIBLE_DEVICES")
        assert sorted(visible.values()) == ["0,1", "1,0"]
        client.shutdown()
    assert account.until(cluster, worker, "STOPPED")["containers"][0]["exitCode"] == 0
    stream = f"w/main/{worker.rpartition('/')[2]}"
    events = account.logs.get_log_events(logGroupName=f"cuda-{cluster}", logStreamName=stream, startFromHead=True)
    assert "stand-in" in events["events"][0]["message"]


@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_neither_process_nor_file_outlives_the_server(end: str, tmp_path: Path) -> None:
    marker = f"86{os.getpid()}"
    with LocalAWS.start(delays={"provisioning": 0.05, "pending": 0.05}) as aws:
        account = Account(aws)
        cluster = account.cluster()
        # One in the task's session, one that left it, one that does not listen to SIGTERM.
        shell = f"trap '' TERM; pwd > {tmp_path}/home; sleep {marker} & setsid sleep {marker} & sleep {marker}"
        account.run(cluster, account.definition(shell))
        until(lambda: len(processes(marker)) == 3)
        if end == "kill":
            aws.kill()
            until(lambda: not processes(marker))
    until(lambda: not processes(marker))
    until(lambda: not Path((tmp_path / "home").read_text().strip()).parents[1].exists())


def test_two_servers_never_give_their_tasks_the_same_address(account: Account) -> None:
    with LocalAWS.start(delays={"provisioning": 0.05}) as aws:
        addresses = []
        for each in (account, Account(aws)):
            cluster = each.cluster()
            answer = each.ecs.run_task(**each.request(cluster, each.definition(), count=6))
            tasks = [each.until(cluster, task["taskArn"], "PENDING", "RUNNING") for task in answer["tasks"]]
            addresses += [address(task) for task in tasks]
    assert len(set(addresses)) == 12


def test_the_server_ends_with_the_process_that_started_it() -> None:
    program = (
        "from dask_ecs.local.aws.handle import LocalAWS\n"
        "import os, signal\n"
        "with LocalAWS.start() as aws:\n"
        "    print(aws.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    starter = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    server = Path("/proc") / starter.stdout.strip()
    until(lambda: not server.exists() or (server / "stat").read_text().split()[2] == "Z")


def test_a_server_that_can_not_start_says_why() -> None:
    with pytest.raises(Exception, match="did not start"), LocalAWS.start(profile="no-such-profile"):
        pass
