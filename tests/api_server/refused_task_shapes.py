"""Shapes of tasks that are refused, as in `refused_specs`."""

from typing import Any

from .refused_specs import Refused, RefusedBy, on_ec2, ulimit

DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dask:1"


def _volume(*, mounted: bool = True, **kind: Any) -> dict[str, Any]:
    point = {"sourceVolume": "data", "containerPath": "/data"}
    return {"volumes": [{"name": "data", **kind}], "worker": {"mountPoints": [point] if mounted else []}}


def _efs(**efs: Any) -> dict[str, Any]:
    return _volume(efsVolumeConfiguration={"fileSystemId": "fs-0123456789abcdef0", **efs})


def _sidecar(**container: Any) -> dict[str, Any]:
    return {"worker": {"sidecars": [{"name": "agent", "image": "agent", **container}]}}


def _waiting(waits: dict[str, list[tuple[str, str]]], *, of: str = "worker", checked: bool = False) -> dict[str, Any]:
    """Sidecars by their names, each with the containers that it waits for and to what they must have come."""
    check = {"healthCheck": {"command": ["CMD", "true"]}} if checked else {}
    sidecars = [
        {
            "name": name,
            "image": "agent",
            **check,
            "dependsOn": [{"containerName": other, "condition": condition} for other, condition in waited],
        }
        for name, waited in waits.items()
    ]
    return {of: {"sidecars": sidecars}}


# fmt: off
GIVEN_DEFINITIONS = (
    Refused("a task definition without a revision",
            {"worker": {"taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/dask"}},
            "spec.worker.taskDefinitionArn", "write it as arn:aws:ecs:eu-west-1:123456789012:task-definition/family:1"),
    Refused("an image beside a task definition", {"worker": {"taskDefinitionArn": DEFINITION, "image": "dask"}},
            "spec.worker.taskDefinitionArn", "with taskDefinitionArn no task definition is made that these could go"),
    Refused("sidecars beside a task definition",
            {"scheduler": {"taskDefinitionArn": DEFINITION, "sidecars": [{"name": "agent", "image": "agent"}]}},
            "spec.scheduler.taskDefinitionArn", "remove it, or image, secrets, ephemeralStorage, mountPoints, "),
)

VOLUMES = (
    Refused("a mount of a volume that is not there", {**_volume(), "volumes": []},
            "spec.worker.mountPoints", "sourceVolume is none of spec.volumes: add the volume there"),
    Refused("two mounts at one place",
            {"volumes": [{"name": "a"}, {"name": "b"}],
             "scheduler": {"mountPoints": [{"sourceVolume": it, "containerPath": "/data"} for it in "ab"]}},
            "spec.scheduler.mountPoints[1]", "Duplicate value", RefusedBy.SERVER),
    Refused("a mount at a path that is not absolute",
            {"volumes": [{"name": "a"}], "worker": {"mountPoints": [{"sourceVolume": "a", "containerPath": "data"}]}},
            "spec.worker.mountPoints[0].containerPath", "not an absolute path: write it as /data"),
    Refused("a volume of two kinds",
            on_ec2(**_volume(host={"sourcePath": "/data"}, dockerVolumeConfiguration={}, mounted=False)),
            "spec.volumes[0]", "a volume is of one kind: keep one of host, efsVolumeConfiguration and docker"),
    Refused("a volume whose name has a space", {"volumes": [{"name": "my data"}]},
            "spec.volumes[0].name", "write letters, digits, - and _ only"),
    Refused("a folder of an instance on Fargate", _volume(host={"sourcePath": "/data"}),
            "spec.worker.mountPoints", "Fargate has no instances to mount from: remove host or docker"),
    Refused("a volume of Docker on Fargate", _volume(dockerVolumeConfiguration={"scope": "shared"}),
            "spec.worker.mountPoints", "Fargate has no instances to mount from: remove host or docker"),
    Refused("a way around the admitted folders", on_ec2(**_volume(host={"sourcePath": "/data/../etc"}, mounted=False)),
            "spec.volumes[0].host.sourcePath", "the path has . or .. in it: write the folder's own path"),
    Refused("a way around them by Docker's options",
            on_ec2(**_volume(dockerVolumeConfiguration={"driverOpts": {"device": "/data/../etc"}}, mounted=False)),
            "spec.volumes[0].dockerVolumeConfiguration.driverOpts.device", "the path has . or .. in it"),
    Refused("a folder with two slashes", on_ec2(**_volume(host={"sourcePath": "/data//etc"}, mounted=False)),
            "spec.volumes[0].host.sourcePath", "not an absolute path: write it as /data"),
    Refused("a file system's name", _efs(fileSystemId="data"),
            "spec.volumes[0].efsVolumeConfiguration.fileSystemId", "write it as fs-0123456789abcdef0"),
    Refused("IAM without encryption", _efs(transitEncryption="DISABLED", authorizationConfig={"iam": "ENABLED"}),
            "spec.volumes[0].efsVolumeConfiguration.transitEncryption", "access points and IAM need encryption"),
    Refused("a folder behind an access point",
            _efs(rootDirectory="/data", authorizationConfig={"accessPointId": "fsap-0123456789abcdef0"}),
            "spec.volumes[0].efsVolumeConfiguration.rootDirectory", "an access point has its own root directory"),
    Refused("an access point's name", _efs(authorizationConfig={"accessPointId": "data"}),
            "spec.volumes[0].efsVolumeConfiguration.authorizationConfig.accessPointId", "write it as fsap-"),
)

SIDECARS = (
    Refused("a sidecar that is called as Dask's container is", _sidecar(name="worker"),
            "spec.worker.sidecars[0].name", "scheduler and worker are Dask's own containers: give the sidecar another"),
    Refused("a sidecar without an image", {"worker": {"sidecars": [{"name": "agent"}]}},
            "spec.worker.sidecars[0].image", "Required value", RefusedBy.BOUND),
    Refused("two sidecars of one name", {"worker": {"sidecars": [{"name": "agent", "image": "agent"}] * 2}},
            "spec.worker.sidecars[1]", 'Duplicate value: {"name":"agent"}', RefusedBy.SERVER),
    Refused("a sidecar's memory in MiB", _sidecar(memory=256),
            "spec.worker.sidecars[0].memory", "write a unit, as 16Gi or 512Mi (a number without one is bytes)"),
    Refused("a sidecar's cpu in CPU units", _sidecar(cpu=256),
            "spec.worker.sidecars[0].cpu", "write vCPUs, as 1 or 250m (1024 CPU units are 1)"),
    Refused("a sidecar's cpu that is no quantity", _sidecar(cpu="1 vCPU"),
            "spec.worker.sidecars[0].cpu", "not a Kubernetes quantity: write vCPUs as 1, 250m"),
    Refused("sidecars that take all memory", _sidecar(memory="16Gi"),
            "spec.worker.sidecars", "the sidecars leave Dask nothing of the task's memory: raise it, or lower the"),
    Refused("sidecars that take all cpu", _sidecar(cpu=4),
            "spec.worker.sidecars", "the sidecars leave Dask nothing of the task's cpu: raise it, or lower"),
    Refused("a sidecar's ulimit that Fargate does not have", _sidecar(**ulimit(name="nproc")),
            "spec.worker.sidecars", "Fargate has no ulimit but nofile: remove the others"),
    Refused("a sidecar that takes longer to stop than Fargate waits", _sidecar(stopTimeout=300),
            "spec.worker.sidecars", "Fargate waits 120 seconds at most"),
    Refused("a sidecar that mounts a volume that is not there",
            _sidecar(mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}]),
            "spec.worker.sidecars", "sourceVolume is none of spec.volumes: add the volume there"),
    Refused("a sidecar that mounts a folder of an instance on Fargate",
            {"volumes": [{"name": "data", "host": {"sourcePath": "/data"}}],
             **_sidecar(mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}])},
            "spec.worker.sidecars", "Fargate has no instances to mount from: remove host or docker"),
    Refused("a sidecar's name with a space", _sidecar(name="log router"),
            "spec.worker.sidecars[0].name", "not the name of a container: write letters, digits, - and _ only"),
    Refused("a log driver that Fargate does not have", {"scheduler": {"logConfiguration": {"logDriver": "syslog"}}},
            "spec.scheduler.logConfiguration", "Fargate sends logs by awsfirelens, by splunk, or to spec.logs"),
    Refused("a sidecar's log driver that Fargate does not have", _sidecar(logConfiguration={"logDriver": "gelf"}),
            "spec.worker.sidecars", "Fargate sends logs by awsfirelens, by splunk, or to spec.logs"),
    Refused("awslogs by another name", {"worker": {"logConfiguration": {"logDriver": "awslogs"}}},
            "spec.worker.logConfiguration.logDriver", 'supported values: "awsfirelens"', RefusedBy.BOUND),
    Refused("logs to a router that is not there", {"worker": {"logConfiguration": {"logDriver": "awsfirelens"}}},
            "spec.worker.logConfiguration", "give one of its sidecars a firelensConfiguration"),
    Refused("a router that nobody sends logs to", _sidecar(firelensConfiguration={"type": "fluentbit"}),
            "spec.worker.sidecars", "set the role's logConfiguration to logDriver: awsfirelens"),
    Refused("two log routers",
            {"worker": {"logConfiguration": {"logDriver": "awsfirelens"},
                        "sidecars": [{"name": name, "image": "router", "firelensConfiguration": {"type": "fluentd"}}
                                     for name in ("one", "two")]}},
            "spec.worker.sidecars", "a task has one log router: keep the firelensConfiguration of one sidecar"),
    Refused("a sidecar's logs to a router that is not there", _sidecar(logConfiguration={"logDriver": "awsfirelens"}),
            "spec.worker.sidecars", "give one of its sidecars a firelensConfiguration"),
)

_NEVER = "sidecars that wait for each other, or for themselves, never start: remove a dependsOn"
_NO_CHECK = "give it a healthCheck, or wait for START"

DEPENDENCIES = (
    Refused("a sidecar that waits for a container that there is not", _waiting({"a": [("b", "START")]}),
            "spec.worker.sidecars", "name a sidecar of the worker, or worker"),
    Refused("a sidecar that waits for a container of the other role's",
            _waiting({"a": [("worker", "START")]}, of="scheduler"),
            "spec.scheduler.sidecars", "name a sidecar of the scheduler, or scheduler"),
    Refused("a sidecar that waits for the end of Dask's container",
            _waiting({"a": [("scheduler", "SUCCESS")]}, of="scheduler"),
            "spec.scheduler.sidecars", "the task ends with its container scheduler"),
    Refused("a sidecar that waits for the end of a worker", _waiting({"a": [("worker", "COMPLETE")]}),
            "spec.worker.sidecars", "wait for START or HEALTHY"),
    Refused("a sidecar that waits for the health of one without a check", _waiting({"a": [("b", "HEALTHY")], "b": []}),
            "spec.worker.sidecars", _NO_CHECK),
    Refused("a sidecar that waits for the health of a worker without a check",
            _waiting({"a": [("worker", "HEALTHY")]}, checked=True), "spec.worker.sidecars", _NO_CHECK),
    Refused("a sidecar that waits for itself", _waiting({"a": [("a", "START")]}), "spec.worker.sidecars", _NEVER),
    Refused("two sidecars that wait for each other",
            _waiting({"a": [("worker", "START"), ("b", "START")], "b": [("a", "COMPLETE")]}),
            "spec.worker.sidecars", _NEVER),
    Refused("a circle of five sidecars that wait",
            _waiting({a: [(b, "START")] for a, b in zip("abcde", "bcdea", strict=True)}, of="scheduler"),
            "spec.scheduler.sidecars", _NEVER),
)
# fmt: on

REFUSED_SHAPES = GIVEN_DEFINITIONS + VOLUMES + SIDECARS + DEPENDENCIES
