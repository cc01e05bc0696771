"""RegisterTaskDefinition and what else there is about task definitions."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final

from . import fargate
from .errors import ClientException, InvalidParameterException
from .model import TaskDefinition, tags_from, tags_to
from .paging import page

if TYPE_CHECKING:
    from .model import EcsState

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_VCPUS = re.compile(r"(\d*\.?\d+)\s*vcpu", re.IGNORECASE)
_GIGABYTES = re.compile(r"(\d*\.?\d+)\s*gb", re.IGNORECASE)
# HealthCheck in the ECS API reference.
_HEALTH_CHECK_LIMITS: Final = {"interval": (5, 300), "timeout": (2, 120), "retries": (1, 10), "startPeriod": (0, 300)}
_KEPT = (
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "placementConstraints",
    "requiresCompatibilities",
    "runtimePlatform",
    "ephemeralStorage",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "volumes",
)


def register_task_definition(state: EcsState, request: dict[str, Any], caller: str) -> dict[str, Any]:
    """Register the next revision of a family, after the checks that ECS makes."""
    family = request["family"]
    if not _NAME.fullmatch(family):
        raise ClientException(
            "Family contains invalid characters." if 0 < len(family) <= 255 else "Family must be 1 to 255 characters."
        )
    containers = [_with_defaults(each) for each in request.get("containerDefinitions") or []]
    sizes = {
        name: value
        for name, value in (("cpu", cpu_units(request.get("cpu"))), ("memory", mebibytes(request.get("memory"))))
        if value is not None
    }
    _check_containers(containers, sizes, execution_role=request.get("executionRoleArn"))
    _check_volumes(containers, {volume["name"] for volume in request.get("volumes") or []})
    _check_log_router(containers)
    on_fargate = "FARGATE" in (request.get("requiresCompatibilities") or [])
    if on_fargate:
        _check_fargate(request, containers, sizes)
    revision = state.last_revision.get(family, 0) + 1
    state.last_revision[family] = revision
    arn = state.arn(f"task-definition/{family}:{revision}")
    described: dict[str, Any] = {
        "volumes": [],
        "placementConstraints": [],
        **{key: request[key] for key in _KEPT if request.get(key)},
        **{name: str(value) for name, value in sizes.items()},
        "taskDefinitionArn": arn,
        "containerDefinitions": containers,
        "family": family,
        "revision": revision,
        "compatibilities": _compatibilities(request.get("requiresCompatibilities") or []),
        "registeredAt": time.time(),
        "registeredBy": caller,
    }
    definition = TaskDefinition(arn, family, revision, described, tags_from(request.get("tags")))
    state.families.setdefault(family, []).append(definition)
    return {"taskDefinition": _describe(definition), "tags": tags_to(definition.tags)}


def describe_task_definition(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Describe one, deregistered or not."""
    definition = state.task_definition(request["taskDefinition"])
    answer = {"taskDefinition": _describe(definition)}
    if "TAGS" in (request.get("include") or []):
        answer["tags"] = tags_to(definition.tags)  # type: ignore[assignment]
    return answer


def deregister_task_definition(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Make one revision INACTIVE: tasks that run go on, no more are run."""
    if ":" not in request["taskDefinition"].rpartition("/")[2]:
        raise ClientException("Revision is missing. For DeregisterTaskDefinition, specify family:revision or an ARN.")
    definition = state.task_definition(request["taskDefinition"])
    if definition.status != "ACTIVE":
        raise ClientException("The specified task definition is inactive. You can't deregister it again.")
    definition.status = "INACTIVE"
    definition.described["deregisteredAt"] = time.time()
    return {"taskDefinition": _describe(definition)}


def delete_task_definitions(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Delete at most ten deregistered revisions; here they are gone when no task that uses them is left."""
    references = request["taskDefinitions"]
    if not 1 <= len(references) <= 10:
        raise InvalidParameterException("Specify between 1 and 10 task definitions.")
    deleted, failures = [], []
    for reference in references:
        try:
            definition = state.task_definition(reference)
        except ClientException:
            failures.append({"arn": reference, "reason": "MISSING"})
            continue
        if definition.status == "ACTIVE":
            failures.append(
                {"arn": definition.arn, "reason": "The specified task definition is still in ACTIVE status."}
            )
            continue
        definition.status = "DELETE_IN_PROGRESS"
        definition.described["deleteRequestedAt"] = time.time()
        deleted.append(_describe(definition))
        if not _in_use(state, definition):
            state.families[definition.family].remove(definition)
    return {"taskDefinitions": deleted, "failures": failures}


def list_task_definitions(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """List ARNs by family (the whole name, as ECS does) and status, by default ACTIVE."""
    family, status = request.get("familyPrefix"), request.get("status") or "ACTIVE"
    found = [
        definition
        for name in sorted(state.families)
        if family is None or name == family
        for definition in state.families[name]
        if definition.status == status
    ]
    if request.get("sort") == "DESC":
        found.reverse()
    return page("taskDefinitionArns", [definition.arn for definition in found], request)


def list_task_definition_families(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """List families by prefix; ACTIVE are those with an active revision."""
    prefix, status = request.get("familyPrefix") or "", request.get("status") or "ACTIVE"
    active = {name: any(each.status == "ACTIVE" for each in known) for name, known in state.families.items() if known}
    families = [
        name
        for name in sorted(active)
        if name.startswith(prefix) and (status == "ALL" or active[name] == (status == "ACTIVE"))
    ]
    return page("families", families, request)


def cpu_units(value: str | None) -> int | None:
    """Read a task's CPU: units (`1024`) or vCPUs (`1 vCPU`); raise ClientException."""
    return _read(value, _VCPUS, "Invalid 'cpu' setting for task.")


def mebibytes(value: str | None) -> int | None:
    """Read a task's memory: MiB (`2048`) or GB (`2GB`), which ECS counts as GiB; raise ClientException."""
    return _read(value, _GIGABYTES, "Invalid 'memory' setting for task.")


def _read(value: str | None, in_1024s: re.Pattern[str], complaint: str) -> int | None:
    if value is None:
        return None
    if value.isdigit():
        return int(value)
    if found := in_1024s.fullmatch(value.strip()):
        return round(float(found[1]) * 1024)
    raise ClientException(complaint)


def _with_defaults(container: dict[str, Any]) -> dict[str, Any]:
    return {
        "cpu": 0,
        "portMappings": [],
        "essential": True,
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        **container,
    }


def _compatibilities(required: list[str]) -> list[str]:
    """Return what the definition can run on: EC2 always, Fargate and managed instances where it was checked for."""
    return ["EC2", *(kind for kind in ("FARGATE", "MANAGED_INSTANCES") if kind in required)]


def _check_containers(containers: list[dict[str, Any]], sizes: dict[str, int], *, execution_role: str | None) -> None:
    if not containers:
        raise ClientException("Container list cannot be empty.")
    names = [container.get("name") for container in containers]
    for name in names:
        if not name:
            raise ClientException("Container.name should not be null or empty.")
        if not _NAME.fullmatch(name):
            raise ClientException("Container.name contains invalid characters.")
        if names.count(name) > 1:
            raise ClientException(f"Container name {name} must be unique within the task definition.")
    for container in containers:
        if not container.get("image"):
            raise ClientException("Container.image should not be null or empty.")
        if not ("memory" in sizes or container.get("memory") or container.get("memoryReservation")):
            raise ClientException(
                f"Invalid setting for container '{container['name']}'. At least one of 'memory' or"
                " 'memoryReservation' must be specified."
            )
        _check_health_check(container.get("healthCheck"))
        _check_secrets(container, execution_role=execution_role)
        _check_dependencies(container, containers)
    if not any(container["essential"] for container in containers):
        raise ClientException("At least one container in the task definition must be marked as essential.")


def _check_health_check(check: dict[str, Any] | None) -> None:
    if check is None:
        return
    if not check.get("command"):
        raise ClientException("Health check command must not be empty.")
    for name, (least, most) in _HEALTH_CHECK_LIMITS.items():
        if (value := check.get(name)) is not None and not least <= value <= most:
            raise ClientException(f"Health check {name} must be between {least} and {most}.")


def _check_dependencies(container: dict[str, Any], containers: list[dict[str, Any]]) -> None:
    essential = {each["name"]: each["essential"] for each in containers}
    for on in container.get("dependsOn") or []:
        name = on["containerName"]
        if name not in essential:
            raise ClientException(f"Cannot depend on container + '{name}' because it does not exist")
        if on["condition"] in ("COMPLETE", "SUCCESS") and essential[name]:
            raise ClientException(
                "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
            )


def _check_secrets(container: dict[str, Any], *, execution_role: str | None) -> None:
    secrets = container.get("secrets") or []
    if secrets and not execution_role:
        raise ClientException(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
        )
    names = [each["name"] for each in (*secrets, *container["environment"])]
    for secret in secrets:
        if names.count(secret["name"]) > 1:
            raise ClientException(
                "The secret name must be unique and not shared with any new or existing environment variables set on"
                f" the container, such as '{secret['name']}'."
            )


def _check_log_router(containers: list[dict[str, Any]]) -> None:
    routers = [container for container in containers if container.get("firelensConfiguration")]
    used = any((each.get("logConfiguration") or {}).get("logDriver") == "awsfirelens" for each in containers)
    if routers and not used:
        raise ClientException(
            "When a firelensConfiguration object is specified, at least one container has to be configured with the"
            " awsfirelens log driver."
        )
    if used and len(routers) != 1:
        raise ClientException("Exactly one container has to have a firelensConfiguration for log driver awsfirelens.")


def _check_volumes(containers: list[dict[str, Any]], names: set[str]) -> None:
    for container in containers:
        for point in container["mountPoints"]:
            if point.get("sourceVolume") not in names:
                raise ClientException(f"Unknown volume '{point.get('sourceVolume')}'.")


def _check_fargate(request: dict[str, Any], containers: list[dict[str, Any]], sizes: dict[str, int]) -> None:
    if request.get("networkMode") != "awsvpc":
        raise ClientException("Fargate only supports network mode 'awsvpc'.")
    for name in ("cpu", "memory"):
        if name not in sizes:
            raise ClientException(f"Fargate requires that '{name}' be defined at the task level.")
    if not fargate.sells(cpu=sizes["cpu"], memory=sizes["memory"]):
        raise ClientException(
            f"No Fargate configuration exists for given values: {sizes['cpu']} CPU, {sizes['memory']} memory."
            " See the Amazon ECS documentation for valid values."
        )
    if request.get("placementConstraints"):
        raise ClientException("Fargate does not support placement constraints.")
    disk = (request.get("ephemeralStorage") or {}).get("sizeInGiB", 21)
    if not 21 <= disk <= 200:
        raise ClientException("The ephemeralStorage sizeInGiB must be between 21 and 200.")
    if any((volume.get("host") or {}).get("sourcePath") for volume in request.get("volumes") or []):
        raise ClientException("host.sourcePath should not be set for volumes in Fargate.")
    for container in containers:
        _check_fargate_container(container, execution_role=request.get("executionRoleArn"))


def _check_fargate_container(container: dict[str, Any], *, execution_role: str | None) -> None:
    if any(each["type"] == "GPU" for each in container.get("resourceRequirements") or []):
        raise ClientException("Tasks using FARGATE launch type do not support GPU resource requirements.")
    if (container.get("linuxParameters") or {}).get("sharedMemorySize"):
        raise ClientException("sharedMemorySize is not supported when using Fargate.")
    if int(container.get("stopTimeout") or 0) > 120:
        raise ClientException("The stopTimeout for a container on Fargate must be at most 120 seconds.")
    if any(limit["name"] != "nofile" for limit in container.get("ulimits") or []):
        raise ClientException("Fargate supports only the nofile ulimit.")
    log = container.get("logConfiguration")
    if log and log["logDriver"] == "awslogs":
        options = log.get("options") or {}
        for option in ("awslogs-group", "awslogs-region", "awslogs-stream-prefix"):
            if option not in options:
                raise ClientException(f"Log driver awslogs requires options: {option}")
        if not execution_role:
            raise ClientException(
                "Fargate requires task definition to have execution role ARN to support log driver awslogs."
            )
    if ".dkr.ecr." in container["image"] and not execution_role:
        raise ClientException("Fargate requires task definition to have execution role ARN to support ECR images.")


def _describe(definition: TaskDefinition) -> dict[str, Any]:
    return {**definition.described, "status": definition.status}


def _in_use(state: EcsState, definition: TaskDefinition) -> bool:
    return any(task.definition is definition for cluster in state.clusters.values() for task in cluster.living())
