"""From RunTask to STOPPED, by wall clock."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import TYPE_CHECKING

from .account import address

if TYPE_CHECKING:
    from pathlib import Path

    from dask_ecs.local.aws.handle import LocalAWS

    from .account import Account


def test_a_task_goes_through_the_states_by_wall_clock(account: Account, delays: LocalAWS) -> None:
    delays.delays(provisioning=0.3, pending=0.3, activating=0.3, deactivating=0.3, deprovisioning=0.3)
    cluster = account.cluster()
    arn = account.run(cluster, account.definition("trap 'sleep 0.3; exit 0' TERM; while :; do sleep 0.05; done"))
    seen = [account.describe(cluster, arn)]
    while seen[-1]["lastStatus"] != "STOPPED":
        task = account.describe(cluster, arn)
        if task["lastStatus"] == "RUNNING" and task["desiredStatus"] == "RUNNING":
            account.ecs.stop_task(cluster=cluster, task=arn)
        if task["lastStatus"] != seen[-1]["lastStatus"]:
            seen.append(task)
        assert time.time() - seen[0]["createdAt"].timestamp() < 60
    assert [task["lastStatus"] for task in seen] == [
        "PROVISIONING",
        "PENDING",
        "ACTIVATING",
        "RUNNING",
        "DEACTIVATING",
        "STOPPING",
        "DEPROVISIONING",
        "STOPPED",
    ]
    versions = [task["version"] for task in seen]
    assert versions == sorted(set(versions))
    names = [
        "createdAt",
        "pullStartedAt",
        "pullStoppedAt",
        "startedAt",
        "stoppingAt",
        "executionStoppedAt",
        "stoppedAt",
    ]
    times = [seen[-1][name] for name in names]
    assert times == sorted(times)
    assert (seen[-1]["startedAt"] - seen[-1]["createdAt"]).total_seconds() >= 0.9


def test_looking_at_a_task_does_not_move_it(account: Account, delays: LocalAWS) -> None:
    delays.delays(provisioning=60.0)
    cluster = account.cluster()
    arn = account.run(cluster, account.definition())
    for _ in range(200):
        assert account.describe(cluster, arn)["lastStatus"] == "PROVISIONING"
    account.ecs.stop_task(cluster=cluster, task=arn)


def test_the_address_is_not_known_before_the_interface_is_attached(account: Account, delays: LocalAWS) -> None:
    delays.delays(provisioning=0.5)
    cluster = account.cluster()
    answer = account.ecs.run_task(**account.request(cluster, account.definition()))
    task = answer["tasks"][0]
    assert task["lastStatus"] == "PROVISIONING"
    assert task["attachments"][0]["status"] == "PRECREATED"
    assert [each["name"] for each in task["attachments"][0]["details"]] == ["subnetId"]
    assert task["containers"][0]["networkInterfaces"] == []
    pending = account.until(cluster, task["taskArn"], "PENDING", "RUNNING")
    assert pending["attachments"][0]["status"] == "ATTACHED"
    assert address(pending) == pending["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]


def test_each_task_has_its_own_address_in_its_subnet_and_listens_there(account: Account) -> None:
    cluster = account.cluster()
    server = "import socket; s = socket.create_server(('', 9000)); c, peer = s.accept(); c.send(peer[0].encode())"
    definition = account.definition(
        None, image="ghcr.io/dask/dask:latest", command=["python", "-c", f"{server}; import time; time.sleep(60)"]
    )
    answer = account.ecs.run_task(**account.request(cluster, definition, count=3))
    tasks = [account.until(cluster, task["taskArn"], "RUNNING") for task in answer["tasks"]]
    addresses = {address(task) for task in tasks}
    assert len(addresses) == 3
    assert all(each.startswith("127.77.") for each in addresses)

    def answers(host: str) -> bytes | None:
        try:
            with socket.create_connection((host, 9000), timeout=2) as connection:
                return connection.recv(100)
        except ConnectionRefusedError:
            return None

    for each in addresses:
        assert account.wait(lambda each=each: answers(each)) == b"127.0.0.1"  # type: ignore[misc]


def test_a_task_reaches_another_from_its_own_address(account: Account) -> None:
    cluster = account.cluster()
    listener = socket.create_server(("127.77.250.1", 0))
    listener.settimeout(15)
    port = listener.getsockname()[1]
    caller = f"import socket; socket.create_connection(('127.77.250.1', {port})).recv(1)"
    arn = account.run(cluster, account.definition(None, image="daskdev/dask:latest", command=["python", "-c", caller]))
    connection, peer = listener.accept()
    assert peer[0] == address(account.describe(cluster, arn))
    connection.close()
    listener.close()


def test_the_interface_is_there_while_the_task_is_and_gone_after_it(account: Account) -> None:
    cluster = account.cluster()
    arn = account.run(cluster, account.definition())
    task = account.until(cluster, arn, "RUNNING")
    interfaces = account.ec2.describe_network_interfaces(
        Filters=[{"Name": "private-ip-address", "Values": [address(task)]}]
    )["NetworkInterfaces"]
    assert [each["Status"] for each in interfaces] == ["in-use"]
    account.ecs.stop_task(cluster=cluster, task=arn)
    stopped = account.until(cluster, arn, "STOPPED")
    assert stopped["attachments"][0]["status"] == "DELETED"
    assert not account.ec2.describe_network_interfaces(
        Filters=[{"Name": "private-ip-address", "Values": [address(task)]}]
    )["NetworkInterfaces"]


def test_a_program_that_ends_ends_its_task_with_the_exit_code(account: Account) -> None:
    cluster = account.cluster()
    task = account.until(cluster, account.run(cluster, account.definition("exit 7")), "STOPPED")
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"
    assert task["desiredStatus"] == "STOPPED"
    assert (task["containers"][0]["exitCode"], task["containers"][0]["lastStatus"]) == (7, "STOPPED")


def test_stop_task_terminates_with_sigterm(account: Account, tmp_path: Path) -> None:
    cluster = account.cluster()
    arn = account.run(
        cluster, account.definition(f"trap 'exit 3' TERM; touch {tmp_path}/ready; while :; do sleep 0.05; done")
    )
    account.wait((tmp_path / "ready").exists)
    answer = account.ecs.stop_task(cluster=cluster, task=arn, reason="scaled down")
    assert answer["task"]["desiredStatus"] == "STOPPED"
    task = account.until(cluster, arn, "STOPPED")
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "scaled down")
    assert task["containers"][0]["exitCode"] == 3


def test_stop_task_kills_after_the_stop_timeout(account: Account, tmp_path: Path) -> None:
    cluster = account.cluster()
    stubborn = f"trap '' TERM; touch {tmp_path}/ready; while :; do sleep 0.05; done"
    arn = account.run(cluster, account.definition(stubborn, stopTimeout=2))
    account.wait((tmp_path / "ready").exists)
    account.ecs.stop_task(cluster=cluster, task=arn)
    account.until(cluster, arn, "STOPPING")
    task = account.until(cluster, arn, "STOPPED")
    assert task["containers"][0]["exitCode"] == 128 + signal.SIGKILL
    assert (task["executionStoppedAt"] - task["stoppingAt"]).total_seconds() >= 2


def test_a_task_stopped_before_it_runs_never_runs(account: Account, delays: LocalAWS) -> None:
    delays.delays(pending=30.0)
    cluster = account.cluster()
    arn = account.run(cluster, account.definition())
    account.until(cluster, arn, "PENDING")
    account.ecs.stop_task(cluster=cluster, task=arn)
    task = account.until(cluster, arn, "STOPPED")
    assert task["stopCode"] == "UserInitiated"
    assert "startedAt" not in task
    assert "exitCode" not in task["containers"][0]


def test_processes_that_a_program_leaves_end_with_it(account: Account) -> None:
    cluster = account.cluster()
    marker = f"97{os.getpid()}"
    account.until(cluster, account.run(cluster, account.definition(f"sleep {marker} & exit 0")), "STOPPED")
    assert not [line for line in os.popen("ps -eo args") if line.strip() == f"sleep {marker}"]


def test_a_second_essential_container_ends_with_the_first(account: Account) -> None:
    cluster = account.cluster()
    containers = [
        {"name": "main", "image": "busybox", "command": ["sh", "-c", "sleep 0.3; exit 5"]},
        {"name": "sidecar", "image": "busybox", "command": ["sleep", "60"]},
        {"name": "setup", "image": "busybox", "command": ["true"], "essential": False},
    ]
    definition = account.definition(None, task={"containerDefinitions": containers})
    task = account.until(cluster, account.run(cluster, definition), "STOPPED")
    codes = {each["name"]: each["exitCode"] for each in task["containers"]}
    assert codes == {"main": 5, "sidecar": 128 + signal.SIGTERM, "setup": 0}


def test_health_checks_are_run_inside_the_containers(account: Account) -> None:
    cluster = account.cluster()
    checks = {"UNHEALTHY": ["CMD", "false"], "HEALTHY": ["CMD-SHELL", "test $GREETING = hello"]}
    arns = {}
    for health, command in checks.items():
        definition = account.definition(
            healthCheck={"command": command, "interval": 5, "retries": 1},
            environment=[{"name": "GREETING", "value": "hello"}],
        )
        arns[health] = account.run(cluster, definition)
    assert {account.until(cluster, arn, "RUNNING")["healthStatus"] for arn in arns.values()} == {"UNKNOWN"}
    for health, arn in arns.items():
        account.wait(lambda health=health, arn=arn: account.describe(cluster, arn)["healthStatus"] == health)  # type: ignore[misc]
        assert account.describe(cluster, arn)["containers"][0]["healthStatus"] == health


def test_a_health_check_finds_its_own_container_at_localhost_and_no_other(account: Account) -> None:
    cluster = account.cluster()
    arns = {}
    for port in (8099, 8100):
        program = "import socket; socket.create_connection(('localhost', 8099), 4).close()"
        definition = account.definition(
            None,
            image="daskdev/dask:latest",
            command=["python", "-m", "http.server", str(port)],
            healthCheck={"command": ["CMD", "python", "-c", program], "interval": 5, "retries": 1},
        )
        arns[port] = account.run(cluster, definition)
    for port, health in ((8099, "HEALTHY"), (8100, "UNHEALTHY")):
        account.wait(
            lambda arn=arns[port], health=health: account.describe(cluster, arn)["healthStatus"] == health,  # type: ignore[misc]
            within=60,
        )


def test_a_killed_container_ends_its_task(account: Account) -> None:
    cluster = account.cluster()
    arn = account.run(cluster, account.definition())
    account.until(cluster, arn, "RUNNING")
    account.aws.kill_container(arn, signal=signal.SIGKILL)
    task = account.until(cluster, arn, "STOPPED")
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["containers"][0]["exitCode"] == 137


def test_an_interrupted_spot_task_gets_sigterm(account: Account) -> None:
    cluster = account.cluster(capacityProviders=["FARGATE", "FARGATE_SPOT"])
    request = account.request(cluster, account.definition())
    del request["launchType"]
    request["capacityProviderStrategy"] = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    task = account.ecs.run_task(**request)["tasks"][0]
    assert (task["capacityProviderName"], task["launchType"]) == ("FARGATE_SPOT", "FARGATE")
    account.until(cluster, task["taskArn"], "RUNNING")
    account.aws.interrupt_spot(task["taskArn"])
    stopped = account.until(cluster, task["taskArn"], "STOPPED")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("SpotInterruption", "Your Spot Task was interrupted.")
    assert stopped["containers"][0]["exitCode"] == 128 + signal.SIGTERM


def test_a_stopped_task_is_visible_for_a_while(account: Account, delays: LocalAWS) -> None:
    delays.delays(stopped_visible=0.5)
    cluster = account.cluster()
    arn = account.run(cluster, account.definition("exit 0"))
    account.until(cluster, arn, "STOPPED")
    account.wait(lambda: account.ecs.describe_tasks(cluster=cluster, tasks=[arn])["failures"])
