"""Subnets, security groups and network interfaces.

ECS developer guide: "Amazon ECS stopped tasks error messages"; EC2 API reference: "Error codes".
"""

from dask_ecs.plan.causes.cause import Cause

CAUSES = (
    Cause(
        r"InvalidSubnet|InvalidVpcID|subnet.*does not exist",
        "NetworkNotFound",
        "Check spec.network.subnets and vpcId: they must exist in the cluster's region.",
    ),
    Cause(
        r"InvalidGroup(Id)?\.|InvalidSecurityGroupID|security group.*(does not exist|not found)",
        "SecurityGroupNotFound",
        "Check spec.network.securityGroups: they must exist in the cluster's VPC.",
    ),
    Cause(
        r"InsufficientFreeAddresses|not enough free addresses|no ENI addresses",
        "SubnetFull",
        "The subnets have no free addresses: name larger ones in spec.network.subnets.",
    ),
    Cause(
        r"Timeout waiting for network interface|network interface provisioning",
        "NetworkInterfaceTimeout",
        "The task got no network interface in time: it is tried again; if that goes on, look for a service control "
        "policy that keeps ECS from making interfaces, and at the subnets' free addresses.",
    ),
    Cause(
        r"assignPublicIp is not supported",
        "PublicIpOnInstances",
        "On EC2 tasks get no public address: leave spec.network.assignPublicIp out.",
    ),
    Cause(
        r"Unexpected EC2 error",
        "NetworkInterfaceFailed",
        "EC2 refused the task's network interface: check spec.network.subnets and securityGroups.",
    ),
    Cause(
        r"EndpointConnectionError|Could not connect to the endpoint|ConnectTimeout|Name or service not known",
        "AWSUnreachable",
        "The operator does not reach AWS: check spec.region, the operator's way out, and VPC endpoints.",
    ),
)
