"""RunTask: is it allowed, has it been asked before, where does it go."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .capacity_providers import scales
from .capacity_strategy import strategy_for
from .errors import ClientException, ConflictException, InvalidParameterException
from .model import Launch, tags_from
from .placement import Demand, NoPlace, place, take
from .task import Container, NetworkAttachment, Task, new_id
from .task_definitions import cpu_units, mebibytes

if TYPE_CHECKING:
    from ..vpc import TaskNetwork
    from .model import Cluster, ContainerInstance, EcsState, TaskDefinition
    from .service import Ecs

NO_CAPACITY: Final = "Capacity is unavailable at this time. Please try again later or in a different availability zone"

# "Fargate Linux platform versions" in the ECS guide; the last brought ARM64.
_PLATFORM_VERSIONS: Final = ("1.3.0", "1.4.0")


@dataclass(frozen=True, slots=True)
class _Request:
    cluster: Cluster
    definition: TaskDefinition
    parameters: dict[str, Any]
    demand: Demand
    strategy: list[tuple[str, str | None]]
    """For each task to run its launch type and capacity provider."""


async def run_task(ecs: Ecs, state: EcsState, parameters: dict[str, Any]) -> dict[str, Any]:
    """Run 1 to 10 tasks; with a client token, once only."""
    cluster = state.cluster(parameters.get("cluster"))
    token = parameters.get("clientToken")
    if not token:
        tasks, failures = await _launch(ecs, state, cluster, parameters)
        return _answer(tasks, failures)
    if len(token) > 64:
        raise InvalidParameterException("clientToken must be at most 64 characters.")
    cluster.forget_old_tokens()
    request = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()
    if earlier := cluster.launches.get(token):
        tasks = await asyncio.shield(earlier.tasks)
        if earlier.request != request:
            raise ConflictException(
                "The client token that you specified was already used with different parameters.",
                resourceIds=[task.arn for task in tasks],
            )
        return _answer(tasks, [])
    launch = Launch(request, time.time(), asyncio.get_running_loop().create_future())
    cluster.launches[token] = launch
    tasks = []
    try:
        tasks, failures = await _launch(ecs, state, cluster, parameters)
    finally:
        launch.tasks.set_result(tasks)
        if not tasks:
            # Nothing was made: the token stays free for another attempt.
            del cluster.launches[token]
    return _answer(tasks, failures)


def _answer(tasks: list[Task], failures: list[dict[str, str]]) -> dict[str, Any]:
    return {"tasks": [task.describe(with_tags=True) for task in tasks], "failures": failures}


async def _launch(
    ecs: Ecs, state: EcsState, cluster: Cluster, parameters: dict[str, Any]
) -> tuple[list[Task], list[dict[str, str]]]:
    request = _check(state, cluster, parameters)
    definition = request.definition
    overrides = parameters.get("overrides") or {}
    roles = [
        role
        for key in ("executionRoleArn", "taskRoleArn")
        if (role := overrides.get(key) or definition.described.get(key))
    ]
    await ecs.roles.check_assumable(state.account, roles)
    network = None
    if definition.network_mode == "awsvpc":
        network = await ecs.vpcs.check(state.account, state.region, parameters["networkConfiguration"])
    tasks: list[Task] = []
    failures: list[dict[str, str]] = []
    for launch_type, provider in request.strategy:
        try:
            instance = _place(ecs, state, request, launch_type, provider, beside=tasks)
        except NoPlace as error:
            failures += error.failures
            continue
        tasks.append(_make(state, request, launch_type, provider, instance, network))
    for task in tasks:
        cluster.tasks[task.id] = task
        ecs.lives.begin(state, task)
    return tasks, failures


def _place(
    ecs: Ecs, state: EcsState, request: _Request, launch_type: str, provider: str | None, *, beside: list[Task]
) -> ContainerInstance | None:
    """Return the task's instance; None on Fargate, and for a task that waits for its provider to have one."""
    if launch_type == "FARGATE":
        if not ecs.capacity.take():
            raise NoPlace([{"reason": NO_CAPACITY}])
        return None
    if scales(state, provider):
        return None
    return place(request.cluster, request.demand, provider=provider, beside=beside)


def _check(state: EcsState, cluster: Cluster, parameters: dict[str, Any]) -> _Request:
    count = parameters.get("count")
    count = 1 if count is None else count
    if not 1 <= count <= 10:
        raise InvalidParameterException("Invalid count: count must be between 1 and 10.")
    for name in ("startedBy", "group"):
        if len(parameters.get(name) or "") > (128 if name == "startedBy" else 255):
            raise InvalidParameterException(f"{name} is too long.")
    if len(parameters.get("tags") or []) > 50:
        raise InvalidParameterException("Tags can not have more than 50 elements.")
    if parameters.get("propagateTags") == "SERVICE":
        # "An error will be received if you specify the SERVICE option when running a task", RunTask.
        raise InvalidParameterException("Invalid value for propagateTags: SERVICE")
    try:
        definition = state.task_definition(parameters["taskDefinition"])
    except ClientException:
        raise ClientException("TaskDefinition not found.") from None
    if definition.status != "ACTIVE":
        raise ClientException("TaskDefinition is inactive")
    _check_overrides(definition, parameters.get("overrides") or {})
    _check_placement(parameters)
    if parameters.get("enableExecuteCommand") and not _task_role(definition, parameters):
        raise InvalidParameterException(
            "The task definition does not have a task role, which is required to use execute command."
        )
    strategy = strategy_for(state, cluster, parameters, count)
    for launch_type in {launch_type for launch_type, _ in strategy}:
        _check_launch_type(definition, launch_type, parameters)
    return _Request(cluster, definition, parameters, _demand(definition, parameters), strategy)


def _task_role(definition: TaskDefinition, parameters: dict[str, Any]) -> str | None:
    role: str | None = (parameters.get("overrides") or {}).get("taskRoleArn") or definition.described.get("taskRoleArn")
    return role


def _check_overrides(definition: TaskDefinition, overrides: dict[str, Any]) -> None:
    names = {container["name"] for container in definition.containers}
    for override in overrides.get("containerOverrides") or []:
        if override.get("name") not in names:
            raise InvalidParameterException(
                f"Override for container named {override.get('name')} is not a container in the TaskDefinition."
            )
    if len(json.dumps(overrides)) > 8192:
        # "A total of 8192 characters are allowed for overrides", RunTask in the ECS API reference.
        raise InvalidParameterException("Container Overrides length must be at most 8192")


def _check_placement(parameters: dict[str, Any]) -> None:
    """Refuse what PlacementConstraint and PlacementStrategy in the ECS API reference rule out."""
    if len(parameters.get("placementConstraints") or []) > 10:
        raise InvalidParameterException("Placement constraints can not have more than 10 elements.")
    if len(parameters.get("placementStrategy") or []) > 5:
        raise InvalidParameterException("Placement strategies can not have more than 5 elements.")
    for constraint in parameters.get("placementConstraints") or []:
        if (constraint["type"] == "memberOf") != bool(constraint.get("expression")):
            raise InvalidParameterException("An expression belongs to placement constraints of type memberOf only.")
    for strategy in parameters.get("placementStrategy") or []:
        if strategy["type"] == "binpack" and strategy.get("field", "").lower() not in ("cpu", "memory"):
            raise InvalidParameterException("The field of a binpack placement strategy must be cpu or memory.")


def _check_launch_type(definition: TaskDefinition, launch_type: str, parameters: dict[str, Any]) -> None:
    if launch_type == "FARGATE":
        if "FARGATE" not in definition.described["compatibilities"]:
            raise InvalidParameterException("Task definition does not support launch_type FARGATE.")
        if parameters.get("placementConstraints") or parameters.get("placementStrategy"):
            raise ClientException("Placement constraints and strategies are not supported with FARGATE launch type.")
    elif launch_type not in (definition.described.get("requiresCompatibilities") or ["EC2"]):
        raise InvalidParameterException(f"Task definition does not support launch_type {launch_type}.")
    _check_platform(definition, launch_type, parameters.get("platformVersion") or "LATEST")
    network = (parameters.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if definition.network_mode != "awsvpc":
        if network:
            raise InvalidParameterException(
                "Network Configuration is not valid for the given networkMode of this task definition."
            )
        return
    if not network:
        raise InvalidParameterException(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    if launch_type != "FARGATE" and network.get("assignPublicIp") == "ENABLED":
        raise InvalidParameterException("Assign public IP is not supported for this launch type.")


def _check_platform(definition: TaskDefinition, launch_type: str, platform: str) -> None:
    """Refuse a platform version on instances, one that is none, and what older ones do not have."""
    if launch_type != "FARGATE":
        if platform != "LATEST":
            raise InvalidParameterException("The platform version must be null when specifying an EC2 launch type.")
        return
    if platform not in ("LATEST", *_PLATFORM_VERSIONS):
        raise InvalidParameterException("The specified platform version does not exist.")
    if platform not in ("LATEST", _PLATFORM_VERSIONS[-1]) and definition.architecture != "X86_64":
        raise InvalidParameterException("The specified platform version does not support the specified platform.")


def _demand(definition: TaskDefinition, parameters: dict[str, Any]) -> Demand:
    overrides = parameters.get("overrides") or {}
    by_name = {each["name"]: each for each in overrides.get("containerOverrides") or []}
    containers = [{**each, **by_name.get(each["name"], {})} for each in definition.containers]
    cpu = cpu_units(overrides.get("cpu") or definition.described.get("cpu"))
    memory = mebibytes(overrides.get("memory") or definition.described.get("memory"))
    return Demand(
        cpu=sum(each.get("cpu") or 0 for each in containers) if cpu is None else cpu,
        memory=sum(each.get("memoryReservation") or each.get("memory") or 0 for each in containers)
        if memory is None
        else memory,
        gpus=sum(
            int(need["value"])
            for each in containers
            for need in each.get("resourceRequirements") or []
            if need["type"] == "GPU"
        ),
        architecture=definition.architecture,
        group=_group(definition, parameters),
        strategies=parameters.get("placementStrategy") or [],
        constraints=[
            *(definition.described.get("placementConstraints") or []),
            *(parameters.get("placementConstraints") or []),
        ],
    )


def _group(definition: TaskDefinition, parameters: dict[str, Any]) -> str:
    return parameters.get("group") or f"family:{definition.family}"


def _make(
    state: EcsState,
    request: _Request,
    launch_type: str,
    provider: str | None,
    instance: ContainerInstance | None,
    network: TaskNetwork | None,
) -> Task:
    parameters, definition, cluster = request.parameters, request.definition, request.cluster
    task_id = new_id()
    overrides = {"containerOverrides": [], "inferenceAcceleratorOverrides": [], **(parameters.get("overrides") or {})}
    by_name = {each["name"]: each for each in overrides["containerOverrides"]}
    containers = [
        Container(
            arn=state.arn(f"container/{cluster.name}/{task_id}/{uuid.uuid4()}"),
            definition=container,
            override=by_name.get(container["name"], {}),
        )
        for container in definition.containers
    ]
    task = Task(
        arn=state.arn(f"task/{cluster.name}/{task_id}"),
        id=task_id,
        cluster=cluster,
        definition=definition,
        containers=containers,
        overrides=overrides,
        launch_type=launch_type,
        cpu=request.demand.cpu,
        memory=request.demand.memory,
        group=request.demand.group,
        started_by=parameters.get("startedBy"),
        tags=_tags(cluster, definition, parameters),
        stop_asked=asyncio.Event(),
        capacity_provider=provider,
        demand=request.demand,
        instance=instance,
        execute_command=bool(parameters.get("enableExecuteCommand")),
    )
    if instance:
        take(instance, task)
        task.availability_zone = instance.availability_zone
    if network:
        subnet = network.choose()
        task.availability_zone = subnet.availability_zone
        task.network = NetworkAttachment(
            id=str(uuid.uuid4()),
            subnet_id=subnet.id,
            security_groups=list(network.security_groups),
            public_address=network.public_address,
        )
    elif instance or launch_type == "FARGATE":
        # There is no network interface to provision.
        task.last_status = "PENDING"
    return task


def _tags(cluster: Cluster, definition: TaskDefinition, parameters: dict[str, Any]) -> dict[str, str]:
    tags = dict(definition.tags) if parameters.get("propagateTags") == "TASK_DEFINITION" else {}
    tags |= tags_from(parameters.get("tags"))
    if parameters.get("enableECSManagedTags"):
        tags["aws:ecs:clusterName"] = cluster.name
    return tags
