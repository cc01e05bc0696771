"""Container instances: EC2 instances that have joined a cluster."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from .capacity_providers import provider_of_group
from .errors import ClientException, InvalidParameterException
from .instance_types import INSTANCE_TYPES
from .model import ContainerInstance, tags_to
from .paging import page

if TYPE_CHECKING:
    from .model import Cluster, EcsState


def add_instance(
    state: EcsState,
    cluster: Cluster,
    *,
    ec2_instance_id: str,
    type_name: str,
    availability_zone: str,
    group: str | None = None,
) -> ContainerInstance:
    """Let an EC2 instance join, for the capacity provider of its Auto Scaling group if that has one by now.

    Raise ClientException for an instance type that this ECS does not know.
    """
    if type_name not in INSTANCE_TYPES:
        raise ClientException(f"The instance type {type_name} is not in the table of the local AWS.")
    instance_id = uuid.uuid4().hex
    instance = ContainerInstance(
        arn=state.arn(f"container-instance/{cluster.name}/{instance_id}"),
        id=instance_id,
        ec2_instance_id=ec2_instance_id,
        type_name=type_name,
        size=INSTANCE_TYPES[type_name],
        availability_zone=availability_zone,
        capacity_provider=provider_of_group(state, cluster, group) if group else None,
    )
    cluster.instances[instance_id] = instance
    return instance


def register_container_instance(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Register what an agent says that it runs on, by its instance identity document."""
    document = json.loads(request.get("instanceIdentityDocument") or "{}")
    if not document.get("instanceId"):
        raise ClientException("The instance identity document is missing or names no instance.")
    instance = add_instance(
        state,
        state.cluster(request.get("cluster")),
        ec2_instance_id=document["instanceId"],
        type_name=document.get("instanceType", ""),
        availability_zone=document.get("availabilityZone", f"{state.region}a"),
    )
    return {"containerInstance": _describe(state, instance)}


def deregister_container_instance(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Take an instance out of its cluster; with tasks on it only when forced."""
    cluster, instance = _find(state, request)
    if _tasks_on(cluster, instance) and not request.get("force"):
        raise InvalidParameterException("Found running tasks on the instance.")
    del cluster.instances[instance.id]
    instance.status = "INACTIVE"
    return {"containerInstance": _describe(state, instance)}


def list_container_instances(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """List the ARNs of a cluster's instances, by default the ACTIVE and the DRAINING."""
    instances = state.cluster(request.get("cluster")).instances.values()
    status = request.get("status")
    return page("containerInstanceArns", [each.arn for each in instances if status in (None, each.status)], request)


def describe_container_instances(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Describe at most 100 instances of one cluster."""
    cluster = state.cluster(request.get("cluster"))
    references = request["containerInstances"]
    if not 1 <= len(references) <= 100:
        raise InvalidParameterException("Specify between 1 and 100 container instances.")
    found, failures = [], []
    for reference in references:
        if instance := state.container_instance(cluster, reference):
            found.append(_describe(state, instance, cluster, include=request.get("include") or []))
        else:
            failures.append({"arn": reference, "reason": "MISSING"})
    return {"containerInstances": found, "failures": failures}


def update_container_instances_state(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Set instances to ACTIVE or DRAINING; standalone tasks on them run on."""
    if request["status"] not in ("ACTIVE", "DRAINING"):
        raise InvalidParameterException("Container instance status should be one of [ACTIVE, DRAINING].")
    cluster = state.cluster(request.get("cluster"))
    changed, failures = [], []
    for reference in request["containerInstances"]:
        if instance := state.container_instance(cluster, reference):
            instance.status = request["status"]
            instance.version += 1
            changed.append(_describe(state, instance, cluster))
        else:
            failures.append({"arn": reference, "reason": "MISSING"})
    return {"containerInstances": changed, "failures": failures}


def put_attributes(state: EcsState, request: dict[str, Any]) -> dict[str, Any]:
    """Set custom attributes on container instances."""
    cluster = state.cluster(request.get("cluster"))
    for attribute in request["attributes"]:
        instance = state.container_instance(cluster, attribute.get("targetId") or "")
        if instance is None:
            raise ClientException("The target container instance was not found.")
        instance.attributes[attribute["name"]] = attribute.get("value", "")
    return {"attributes": request["attributes"]}


def _find(state: EcsState, request: dict[str, Any]) -> tuple[Cluster, ContainerInstance]:
    cluster = state.cluster(request.get("cluster"))
    instance = state.container_instance(cluster, request["containerInstance"])
    if instance is None:
        raise InvalidParameterException("Container instance not found.")
    return cluster, instance


def _tasks_on(cluster: Cluster, instance: ContainerInstance) -> int:
    return sum(task.instance is instance for task in cluster.living())


def _resources(cpu: int, memory: int, gpus: list[str]) -> list[dict[str, Any]]:
    zero = {"doubleValue": 0.0, "longValue": 0, "integerValue": 0}
    resources: list[dict[str, Any]] = [
        {"name": "CPU", "type": "INTEGER", **zero, "integerValue": cpu},
        {"name": "MEMORY", "type": "INTEGER", **zero, "integerValue": memory},
        {"name": "PORTS", "type": "STRINGSET", **zero, "stringSetValue": ["22", "2375", "2376", "51678", "51679"]},
        {"name": "PORTS_UDP", "type": "STRINGSET", **zero, "stringSetValue": []},
    ]
    if gpus:
        resources.append({"name": "GPU", "type": "STRINGSET", **zero, "stringSetValue": gpus})
    return resources


def _describe(
    state: EcsState, instance: ContainerInstance, cluster: Cluster | None = None, include: list[str] | None = None
) -> dict[str, Any]:
    on_it = [task for task in cluster.living() if task.instance is instance] if cluster else []
    gpus = [instance.gpu_id(str(index)) for index in range(instance.size.gpus)]
    return {
        "containerInstanceArn": instance.arn,
        **({"capacityProviderName": instance.capacity_provider} if instance.capacity_provider else {}),
        "ec2InstanceId": instance.ec2_instance_id,
        "version": instance.version,
        "versionInfo": {"agentVersion": "1.99.0", "dockerVersion": "DockerVersion: 25.0.8"},
        "registeredResources": _resources(instance.size.vcpus * 1024, instance.size.registered_memory, gpus),
        "remainingResources": _resources(
            instance.free_cpu, instance.free_memory, [instance.gpu_id(index) for index in instance.free_gpus]
        ),
        "status": instance.status,
        "agentConnected": instance.status != "INACTIVE",
        "runningTasksCount": sum(task.last_status == "RUNNING" for task in on_it),
        "pendingTasksCount": sum(task.last_status in ("PROVISIONING", "PENDING", "ACTIVATING") for task in on_it),
        "attributes": [{"name": name, "value": value} for name, value in instance.attributes.items()],
        "registeredAt": instance.registered_at,
        "attachments": [],
        "tags": tags_to(instance.tags) if "TAGS" in (include or []) else [],
    }
