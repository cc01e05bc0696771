"""What ECS is told of a scheduler and of a worker."""

import dataclasses
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import dask.config
import pytest
from dask.utils import parse_bytes

from dask_ecs.plan import actions, infrastructure, task_definitions
from dask_ecs.plan.worker_preload import worker_preload

from .world import SETTINGS, World, asked

EC2 = {"launchType": "EC2", "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/given"}
ALLOWED = dataclasses.replace(SETTINGS, allow_secrets=("*",), allow_host_paths=("*",))


def _agent(**container: Any) -> dict[str, Any]:
    return {"name": "agent", "image": "agent", **container}


def definitions(spec: dict[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what is registered for each role."""
    world = World(spec, settings=ALLOWED)
    world.settle()
    roles = {"schedulerDefinition": "scheduler", "workerDefinition": "worker"}
    return {roles[action.subject]: action.request for action in asked(world, actions.RegisterTaskDefinition)}


def containers(spec: dict[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return each role's own container."""
    return {
        role: next(each for each in request["containerDefinitions"] if each["name"] == role)
        for role, request in definitions(spec).items()
    }


def environment(container: Mapping[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container["environment"]}


def test_a_role_has_what_it_asks_for_and_the_other_has_nothing_of_it() -> None:
    found = containers(
        {
            **EC2,
            "worker": {
                "sharedMemory": "2Gi",
                "ulimits": [{"name": "memlock", "softLimit": -1, "hardLimit": -1}],
                "stopTimeout": 600,
                "healthCheck": {"command": ["CMD-SHELL", "true"], "startPeriod": 60},
            },
        }
    )
    assert found["worker"]["linuxParameters"] == {"initProcessEnabled": True, "sharedMemorySize": 2048}
    assert found["worker"]["ulimits"] == [
        {"name": "nofile", "softLimit": 65535, "hardLimit": 65535},
        {"name": "memlock", "softLimit": -1, "hardLimit": -1},
    ]
    assert found["worker"]["stopTimeout"] == 600
    assert found["worker"]["healthCheck"] == {
        "command": ["CMD-SHELL", "true"],
        "interval": 30,
        "timeout": 5,
        "retries": 3,
        "startPeriod": 60,
    }
    assert found["scheduler"]["linuxParameters"] == {"initProcessEnabled": True}
    assert [limit["name"] for limit in found["scheduler"]["ulimits"]] == ["nofile"]
    assert "stopTimeout" not in found["scheduler"]
    assert found["scheduler"]["healthCheck"]["command"][:2] == ["CMD", "python"]


def test_a_given_limit_of_open_files_takes_the_place_of_ours() -> None:
    given = {"name": "nofile", "softLimit": 1024, "hardLimit": 4096}
    assert containers({"scheduler": {"ulimits": [given]}})["scheduler"]["ulimits"] == [given]


@pytest.mark.parametrize(("stop_timeout", "leave"), [(None, 100), (120, 100), (40, 20), (30, 15), (2, 1)])
def test_a_worker_moves_its_data_within_the_time_it_has_to_stop(stop_timeout: int | None, leave: int) -> None:
    worker = {} if stop_timeout is None else {"stopTimeout": stop_timeout}
    target = World({"worker": worker}).target
    command = infrastructure.command(target, "worker", scheduler_address="tcp://10.0.0.1:8786")
    assert command[command.index("--preload-nanny") + 1] == worker_preload(leave_seconds=leave)
    on_gpus = containers({**EC2, "worker": {**worker, "gpu": 1}})["worker"]
    assert environment(on_gpus)["DASK_DISTRIBUTED__NANNY__PRELOAD"] == worker_preload(leave_seconds=leave)


def test_dasks_folders_fit_the_disk_that_is_asked_for() -> None:
    found = definitions({"worker": {"ephemeralStorage": "100.5Gi"}})
    assert found["worker"]["ephemeralStorage"] == {"sizeInGiB": 101}
    assert "ephemeralStorage" not in found["scheduler"]
    (container,) = found["worker"]["containerDefinitions"]
    config = dask.config.collect(paths=[], env=environment(container))
    assert dask.config.get("temporary-directory", config=config) == "/tmp"
    assert parse_bytes(dask.config.get("distributed.worker.memory.max-spill", config=config)) == 91 * 2**30


def test_the_users_word_on_dasks_folders_counts_for_more() -> None:
    given = [{"name": "DASK_TEMPORARY_DIRECTORY", "value": "/fast"}]
    for spec in ({"environment": given}, {"worker": {"environment": given}}):
        worker = {"ephemeralStorage": "100Gi", **spec.get("worker", {})}  # type: ignore[dict-item]
        found = environment(containers({**spec, "worker": worker})["worker"])
        assert found["DASK_TEMPORARY_DIRECTORY"] == "/fast"


def test_a_role_has_the_volumes_that_it_mounts() -> None:
    efs = {
        "name": "shared",
        "efsVolumeConfiguration": {
            "fileSystemId": "fs-0123456789abcdef0",
            "authorizationConfig": {"accessPointId": "fsap-0123456789abcdef0", "iam": "ENABLED"},
        },
    }
    host = {"name": "instance", "host": {"sourcePath": "/mnt/data"}}
    docker = {"name": "cache", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True}}
    mount = {"sourceVolume": "shared", "containerPath": "/shared", "readOnly": True}
    found = definitions(
        {
            **EC2,
            "volumes": [efs, host, docker, {"name": "empty"}],
            "scheduler": {"mountPoints": [mount]},
            "worker": {
                "mountPoints": [
                    {"sourceVolume": name, "containerPath": f"/{name}"} for name in ("instance", "cache", "empty")
                ]
            },
        }
    )
    (scheduler,) = found["scheduler"]["containerDefinitions"]
    assert scheduler["mountPoints"] == [mount]
    assert found["scheduler"]["volumes"] == [
        {
            "name": "shared",
            "efsVolumeConfiguration": {
                "fileSystemId": "fs-0123456789abcdef0",
                "transitEncryption": "ENABLED",
                "authorizationConfig": {"accessPointId": "fsap-0123456789abcdef0", "iam": "ENABLED"},
            },
        }
    ]
    assert found["worker"]["volumes"] == [
        host,
        {
            "name": "cache",
            "dockerVolumeConfiguration": {
                "scope": "shared",
                "autoprovision": True,
                "driver": "local",
                "driverOpts": {},
            },
        },
        {"name": "empty"},
    ]


def test_sidecars_run_beside_dask_and_never_in_its_place() -> None:
    router = {
        "name": "log_router",
        "image": "amazon/aws-for-fluent-bit:stable",
        "memory": "64Mi",
        "user": "0",
        "firelensConfiguration": {"type": "fluentbit", "options": {"enable-ecs-log-metadata": "true"}},
    }
    agent = {
        "name": "agent",
        "image": "datadog/agent:7",
        "cpu": "250m",
        "readonlyRootFilesystem": True,
        "entryPoint": ["/agent"],
        "command": ["run"],
        "workingDirectory": "/opt",
        "startTimeout": 60,
        "environment": [{"name": "KEY", "value": "plain"}, {"name": "SITE", "value": "datadoghq.eu"}],
        "secrets": [{"name": "KEY", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/datadog"}],
        "mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared"}],
        "portMappings": [{"containerPort": 8126}],
        "dependsOn": [{"containerName": "log_router", "condition": "START"}],
        "healthCheck": {"command": ["CMD", "agent", "health"]},
    }
    logs = {"logDriver": "awsfirelens", "options": {"Name": "http", "Host": "logs.example.com"}}
    found = definitions(
        {
            "volumes": [{"name": "shared"}],
            "worker": {"sidecars": [router, agent], "logConfiguration": logs},
        }
    )
    (scheduler,) = found["scheduler"]["containerDefinitions"]
    assert "cpu" not in scheduler
    assert found["worker"]["volumes"] == [{"name": "shared"}]
    dask, *beside = found["worker"]["containerDefinitions"]
    assert (dask["name"], dask["essential"], dask["logConfiguration"]) == ("worker", True, logs)
    assert dask["cpu"] == 4096 - 256, "with no share of its own it would get next to nothing beside the agent"
    assert beside == [
        {
            **{key: router[key] for key in ("name", "image", "user", "firelensConfiguration")},
            "essential": False,
            "cpu": 0,
            "memory": 64,
            "environment": [],
            "logConfiguration": scheduler["logConfiguration"]
            | {"options": scheduler["logConfiguration"]["options"] | {"awslogs-stream-prefix": "worker"}},
        },
        {
            **{key: value for key, value in agent.items() if key not in ("cpu", "environment")},
            "essential": False,
            "cpu": 256,
            "memory": 256,
            "environment": [{"name": "SITE", "value": "datadoghq.eu"}],
            "portMappings": [{"containerPort": 8126}],
            "logConfiguration": beside[0]["logConfiguration"],
        },
    ]


@pytest.mark.parametrize(
    ("worker", "threads", "limit"),
    [
        ({"cpu": "250m", "memory": "512Mi"}, "1", "512MiB"),
        ({}, "4", "16384MiB"),
        ({"sidecars": [_agent()]}, "4", "16128MiB"),
        ({"sidecars": [_agent(cpu="1500m", memory="1Gi"), _agent(name="router", cpu="500m")]}, "2", "15104MiB"),
        ({"cpu": 1, "memory": "4Gi", "sidecars": [_agent(cpu="900m")]}, "1", "3840MiB"),
        ({"threads": 3, "sidecars": [_agent(cpu=2)]}, "3", "16128MiB"),
    ],
)
def test_dask_is_told_what_is_left_to_it(worker: dict[str, Any], threads: str, limit: str) -> None:
    target = World({"worker": worker}).target
    command = infrastructure.command(target, "worker", scheduler_address="tcp://10.0.0.1:8786")
    assert command[command.index("--nthreads") + 1] == threads
    assert command[command.index("--memory-limit") + 1] == limit


def test_the_processes_of_a_gpu_worker_divide_what_sidecars_leave() -> None:
    worker = {"gpu": 4, "cpu": 16, "memory": "64Gi", "sidecars": [_agent(memory="4Gi", cpu=4)]}
    target = World({**EC2, "worker": worker}).target
    command = infrastructure.command(target, "worker", scheduler_address="tcp://10.0.0.1:8786")
    assert command[command.index("--nthreads") + 1] == "3"
    assert command[command.index("--memory-limit") + 1] == f"{60 * 1024 // 4}MiB"


def test_what_is_not_asked_for_is_not_in_the_definition() -> None:
    found = definitions({"volumes": [{"name": "empty"}], "tls": {"enabled": False}})
    assert found["worker"].keys() == {
        *("family", "networkMode", "requiresCompatibilities", "cpu", "memory", "executionRoleArn", "taskRoleArn"),
        *("runtimePlatform", "containerDefinitions", "tags"),
    }
    (container,) = found["worker"]["containerDefinitions"]
    assert container.keys() == {
        *("name", "image", "essential", "environment", "linuxParameters", "ulimits", "logConfiguration", "stopTimeout")
    }


def _passes_health_check(*, port: int, dashboard_port: int) -> bool:
    _, _, _, program = task_definitions.health_check(port=port, dashboard_port=dashboard_port)["command"]
    ended = subprocess.run([sys.executable, "-c", program], check=False, stderr=subprocess.DEVNULL, timeout=60)
    return ended.returncode == 0


def test_the_health_check_of_a_scheduler_without_a_dashboard_is_whether_it_listens() -> None:
    with socket.create_server(("localhost", 0)) as scheduler, socket.create_server(("localhost", 0)) as other:
        port, free = scheduler.getsockname()[1], other.getsockname()[1]
        other.close()
        assert _passes_health_check(port=port, dashboard_port=free)
        scheduler.close()
        assert not _passes_health_check(port=port, dashboard_port=free)


def test_a_scheduler_whose_connections_only_the_kernel_takes_fails_its_health_check() -> None:
    with socket.create_server(("localhost", 0)) as scheduler, socket.create_server(("localhost", 0)) as dashboard:
        port, dashboard_port = scheduler.getsockname()[1], dashboard.getsockname()[1]
        assert not _passes_health_check(port=port, dashboard_port=dashboard_port)
