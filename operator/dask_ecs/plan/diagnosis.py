"""What AWS's words mean, and what to do about it."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dask_ecs.plan.observed import Task


@dataclasses.dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A cause in CamelCase, as a condition's reason, and what to do, in a sentence."""

    reason: str
    fix: str


# AWS: "Amazon ECS stopped tasks error messages" and "API failure reasons" in the developer guide.
_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"CannotPullContainerError.*(not found|manifest unknown|does not exist|denied|unauthorized|invalid reference)",
        "ImageNotFound",
        "Check spec.image: it must exist and be readable by the execution role, or be public.",
    ),
    (
        r"CannotPull\w*Error|ResourceInitializationError.*(registry|ecr|pull|secrets or registry auth)",
        "ImagePullFailed",
        "Tasks can not reach the image's registry: give them a public address in a public subnet "
        "(spec.network.assignPublicIp: true), or subnets with a NAT gateway or VPC endpoints (spec.network.subnets).",
    ),
    (
        r"log group does not exist|failed to validate logger args",
        "LogGroupMissing",
        "The log group was deleted or the execution role may not write to it; check spec.logs.group.",
    ),
    (
        r"ResourceInitializationError",
        "ResourceInitializationFailed",
        "Check the task's network and its execution role.",
    ),
    (
        r"CannotStartContainerError",
        "ContainerCannotStart",
        "Check that the image holds the command `dask` and fits cpuArchitecture.",
    ),
    (
        r"OutOfMemory",
        "OutOfMemory",
        "The container used more than its memory: raise spec.worker.memory or spec.scheduler.memory.",
    ),
    (
        r"RESOURCE:GPU",
        "NoGPUs",
        "No container instance of the ECS cluster has enough free GPUs: add GPU instances, "
        "or lower spec.worker.gpu or replicas.",
    ),
    (
        r"RESOURCE:(CPU|MEMORY)",
        "NoRoomOnInstances",
        "No container instance has enough free CPU or memory: add or enlarge instances, "
        "or lower spec.worker.cpu, memory or replicas.",
    ),
    (
        r"RESOURCE:ENI",
        "NoNetworkInterfaces",
        "The instances can attach no more network interfaces: turn on ENI trunking, or add instances.",
    ),
    (
        r"ATTRIBUTE|MissingAttribute",
        "NoFittingInstances",
        "No container instance has what the task asks for: compare spec.cpuArchitecture with the instances'.",
    ),
    (
        r"No Container Instances",
        "NoContainerInstances",
        "The ECS cluster has no instances: add some, or make a DaskCluster with launchType: FARGATE instead.",
    ),
    (
        r"\bAGENT\b",
        "InstancesDisconnected",
        "The ECS agents of the cluster's instances are not connected: check the instances.",
    ),
    (
        r"vCPUs? .*(limit|quota)|limit on the number of vCPUs",
        "VCPUQuotaReached",
        "The account's Fargate vCPU quota is used up: ask AWS to raise it (Service Quotas), or run fewer workers.",
    ),
    (
        r"[Cc]apacity is unavailable",
        "CapacityUnavailable",
        "AWS has no Fargate capacity there just now: it is tried again; "
        "more subnets in other zones (spec.network.subnets) help.",
    ),
    (
        r"capacity provider .*(not associated with the cluster|was not found)",
        "CapacityProviderNotFound",
        "Associate the capacity provider with the ECS cluster in spec.clusterArn "
        "(aws ecs put-cluster-capacity-providers), or name others in capacityProviderStrategy.",
    ),
    (
        r"unable to assume the role",
        "RoleNotAssumable",
        "A new role takes some seconds to be usable; a given one must trust ecs-tasks.amazonaws.com.",
    ),
    (
        r"AccessDenied|UnauthorizedOperation|is not authorized to perform",
        "AccessDenied",
        "Allow the operator's AWS identity what the message names.",
    ),
    (
        r"Throttling|Rate exceeded|TooManyRequests",
        "Throttled",
        "AWS limits this account's calls; they are tried again.",
    ),
    (
        r"SpotInterruption|Spot Task was interrupted",
        "SpotInterrupted",
        "AWS took the capacity back; a new task is asked for.",
    ),
    (
        r"InvalidSubnetID|InvalidVpcID",
        "NetworkNotFound",
        "Check spec.network.subnets and vpcId: they must exist in the cluster's region.",
    ),
    (
        r"InvalidGroup(Id)?\.|InvalidSecurityGroupID",
        "SecurityGroupNotFound",
        "Check spec.network.securityGroups: they must exist in the cluster's VPC.",
    ),
    (
        r"RulesPerSecurityGroupLimitExceeded",
        "TooManySecurityGroupRules",
        "The security group, which the namespace's clusters share, holds no more rules: name fewer or wider ranges in "
        "spec.network.allowedCidrs, or make a DaskCluster with isolation: cluster.",
    ),
    (
        r"InsufficientFreeAddresses|not enough free addresses",
        "SubnetFull",
        "The subnets have no free addresses: name larger ones.",
    ),
)


def diagnose(text: str) -> Diagnosis | None:
    """Return what AWS's message means, None if it is not known: then it is best shown as AWS said it."""
    for pattern, reason, fix in _KNOWN:
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            return Diagnosis(reason=reason, fix=fix)
    return None


def of_task(task: Task) -> tuple[str, str]:
    """Return a condition's reason and message for a task that stopped: what, why, its last words, what to do."""
    parts = [part.rstrip(".") for part in (task.stopped_reason, task.container_reason) if part]
    said = ". ".join(dict.fromkeys(parts))  # on Fargate ECS often says the same of the task and of its container
    known = diagnose(said)
    ended = f"exited with {task.exit_code}" if task.exit_code is not None else "stopped"
    if task.started_at is None:
        ended = "could not start"
    lines = [f"{task.role.capitalize()} task {task.id} {ended}: {said or 'AWS gives no reason'}."]
    if task.log_tail:
        lines.append("Its log ends: " + " | ".join(task.log_tail))
    if known:
        lines.append(known.fix)
    elif task.exit_code is not None:
        lines.append("Look at its log, and at what the image and extraArgs start.")
    return known.reason if known else f"{task.role.capitalize()}Failed", " ".join(lines)
