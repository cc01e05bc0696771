"""Containers find their volumes where their mount points say, and share them with whom they should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .account import unique

if TYPE_CHECKING:
    from .account import Account


def container(name: str, shell: str, *, essential: bool, **mount: Any) -> dict[str, Any]:
    point = {"sourceVolume": "data", "containerPath": "/data/deep", **mount}
    command = ["sh", "-c", shell]
    return {"name": name, "image": "busybox", "command": command, "essential": essential, "mountPoints": [point]}


def exit_code(account: Account, *containers: dict[str, Any], **volume: Any) -> int:
    """Run a task to its end and return the exit code of its container `main`."""
    definition = account.definition(
        None, task={"containerDefinitions": [*containers], "volumes": [{"name": "data", **volume}]}
    )
    cluster = account.cluster()
    task = account.until(cluster, account.run(cluster, definition), "STOPPED")
    return next(int(each["exitCode"]) for each in task["containers"] if each["name"] == "main")


def test_the_containers_of_a_task_share_an_empty_volume_and_nobody_else_does(account: Account) -> None:
    waits = "until test -e /data/deep/hello; do sleep 0.05; done; exit 7"
    writer = container("writer", "touch /data/deep/hello; sleep 60", essential=False)
    assert exit_code(account, container("main", waits, essential=True), writer) == 7
    assert exit_code(account, container("main", "ls -A /data/deep | wc -l | grep -q '^0$'", essential=True)) == 0


def test_the_tasks_of_all_machines_share_a_file_system(account: Account) -> None:
    efs = {"efsVolumeConfiguration": {"fileSystemId": f"fs-{unique('')[-8:]}"}}
    assert exit_code(account, container("main", "echo there > /data/deep/file", essential=True), **efs) == 0
    reads = 'test "$(cat /elsewhere/file)" = there && ! touch /elsewhere/file'
    reader = container("main", reads, essential=True, containerPath="/elsewhere", readOnly=True)
    assert exit_code(account, reader, **efs) == 0


def test_a_mount_hides_what_was_there_from_its_container_alone(account: Account) -> None:
    hides = container("main", "test ! -e /etc/passwd && test -e /usr/bin", essential=True, containerPath="/etc")
    assert exit_code(account, hides) == 0


def test_health_checks_see_the_volumes_too(account: Account) -> None:
    checked = container("main", "touch /data/deep/well; sleep 60", essential=True)
    checked["healthCheck"] = {"command": ["CMD-SHELL", "test -e /data/deep/well"], "interval": 5, "timeout": 2}
    definition = account.definition(None, task={"containerDefinitions": [checked], "volumes": [{"name": "data"}]})
    cluster = account.cluster()
    arn = account.run(cluster, definition)
    account.wait(lambda: account.describe(cluster, arn)["healthStatus"] == "HEALTHY")
    account.ecs.stop_task(cluster=cluster, task=arn)


def test_a_mount_of_a_volume_that_is_not_there_is_refused(account: Account) -> None:
    with pytest.raises(account.ecs.exceptions.ClientException, match="Unknown volume 'data'"):
        account.definition(mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}])
