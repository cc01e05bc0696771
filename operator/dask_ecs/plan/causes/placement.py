"""Where tasks find no place: `failures[].reason` of RunTask, and tasks that are stopped for it later.

ECS developer guide: "Amazon ECS API failure reasons", "Troubleshooting Amazon ECS TaskFailedToStart errors".
"""

from dask_ecs.plan.causes.cause import Cause

CAUSES = (
    Cause(
        r"(?-i:RESOURCE:GPU)",
        "NoGPUs",
        "No container instance of the ECS cluster has enough free GPUs: add GPU instances, "
        "or lower spec.worker.gpu or replicas.",
    ),
    Cause(
        r"(?-i:RESOURCE:(CPU|MEMORY))|insufficient (CPU|memory)",
        "NoRoomOnInstances",
        "No container instance has enough free CPU or memory: add or enlarge instances, "
        "or lower spec.worker.cpu, memory or replicas.",
    ),
    Cause(
        r"(?-i:RESOURCE:ENI)",
        "NoNetworkInterfaces",
        "The instances can attach no more network interfaces: turn on ENI trunking, or add instances.",
    ),
    Cause(
        r"(?-i:RESOURCE:PORTS?)",
        "PortInUse",
        "The port is taken on every instance: add instances, or choose another spec.scheduler.port.",
    ),
    Cause(
        r"(?-i:RESOURCE:)",
        "NoRoomOnInstances",
        "No container instance has enough of what the task asks for: add or enlarge instances, or ask for less.",
    ),
    Cause(
        r"placement constraint unsatisfied|distinctInstance|memberOf",
        "NoFittingInstances",
        "No container instance satisfies the placement constraints: compare placementConstraints with the instances' "
        "attributes.",
    ),
    Cause(
        r"(?-i:\bATTRIBUTE\b)|MissingAttribute|closest matching .* is missing an attribute",
        "NoFittingInstances",
        "No container instance has what the task asks for: compare spec.cpuArchitecture with the instances'.",
    ),
    Cause(
        r"No Container Instances|NO ACTIVE INSTANCES|EMPTY CAPACITY PROVIDER",
        "NoContainerInstances",
        "The ECS cluster has no instances: add some, or make a DaskCluster with launchType: FARGATE instead.",
    ),
    Cause(
        r"(?-i:\bAGENT\b)",
        "InstancesDisconnected",
        "The ECS agents of the cluster's instances are not connected: check the instances, their role "
        "(AmazonEC2ContainerServiceforEC2Role) and their way to ECS.",
    ),
    Cause(
        r"(?-i:\bLOCATION\b)",
        "NoInstancesInSubnets",
        "The instances are in other zones than the subnets: name subnets of the instances' zones in "
        "spec.network.subnets.",
    ),
    Cause(
        r"Host EC2 .*(terminated|stopped)|Container instance deregistration|instance .*(was )?deregistered",
        "InstanceGone",
        "The instance below the task has gone; a new task is asked for on another one.",
    ),
    Cause(
        r"(?-i:\bINACTIVE\b)",
        "Inactive",
        "The ECS cluster, instance or task definition is deleted: check spec.clusterArn; what is made is made anew.",
    ),
    Cause(
        r"(?-i:\bMISSING\b)",
        "NotFound",
        "AWS does not know the thing: check spec.clusterArn, its region and account.",
    ),
    Cause(
        r"required capabilities|PlatformTaskDefinitionIncompatibility|platform.*not satisfy",
        "PlatformIncompatible",
        "Fargate's platform version has not what the tasks ask for: set spec.platformVersion to LATEST.",
    ),
    Cause(
        r"PlatformUnknown|platform version .*(not|in)valid",
        "PlatformUnknown",
        "There is no such platform version: check spec.platformVersion.",
    ),
    Cause(
        r"capacity provider .*(not associated with the cluster|not found|is not valid|does not exist)",
        "CapacityProviderNotFound",
        "Associate the capacity provider with the ECS cluster in spec.clusterArn "
        "(aws ecs put-cluster-capacity-providers), or name others in capacityProviderStrategy.",
    ),
)
