"""What AWS has not, or gives no more of: capacity and quotas.

ECS developer guide: "Amazon ECS stopped tasks error messages", "Amazon ECS service quotas", "AWS Fargate throttling
quotas"; IAM user guide: "IAM and AWS STS quotas"; Amazon VPC user guide: "Amazon VPC quotas".
"""

from dask_ecs.plan.causes.cause import Cause

CAUSES = (
    Cause(
        r"InvalidInstanceType",
        "InstanceTypeNotFound",
        "Check spec.capacity.instanceTypes and schedulerInstanceTypes: EC2 has no such type in this region.",
    ),
    Cause(
        r"VcpuLimitExceeded|MaxSpotInstanceCountExceeded",
        "InstanceQuotaReached",
        "The account's quota of EC2 instances of that family is used up: ask AWS to raise it (Service Quotas).",
    ),
    Cause(
        r"vCPUs? .*(limit|quota)|limit on the number of (vCPUs|tasks)",
        "VCPUQuotaReached",
        "The account's Fargate vCPU quota is used up: ask AWS to raise it (Service Quotas), or run fewer workers.",
    ),
    Cause(
        r"Capacity is unavailable|InsufficientInstanceCapacity",
        "CapacityUnavailable",
        "AWS has no Fargate capacity there just now: it is tried again; "
        "more subnets in other zones (spec.network.subnets) help.",
    ),
    Cause(
        r"SpotInterruption|Spot Task was interrupted",
        "SpotInterrupted",
        "AWS took the capacity back; a new task is asked for.",
    ),
    Cause(
        r"TerminationNotice|maintenance on the underlying infrastructure|task retirement|infrastructure maintenance",
        "TaskRetired",
        "AWS renews the machine below the task; a new task is asked for.",
    ),
    Cause(
        r"RulesPerSecurityGroupLimitExceeded",
        "TooManySecurityGroupRules",
        "The security group, which the namespace's clusters share, holds no more rules: name fewer or wider ranges in "
        "spec.network.allowedCidrs, or make a DaskCluster with isolation: cluster.",
    ),
    Cause(
        r"SecurityGroupLimitExceeded",
        "TooManySecurityGroups",
        "The region has as many security groups as its quota lets be: delete some, ask AWS to raise it, or name groups "
        "in spec.network.securityGroups.",
    ),
    Cause(
        r"Cannot exceed quota for \w+",
        "IAMQuotaReached",
        "IAM's quota is used up: ask AWS to raise it (Service Quotas), delete what is unused, or give roles in "
        "spec.iam.",
    ),
    Cause(
        r"NetworkInterfaceLimitExceeded|InterfaceLimitExceeded|limit (of|on) network interfaces",
        "NetworkInterfaceQuotaReached",
        "The region's quota of network interfaces is used up: each task takes one; ask AWS to raise it (Service "
        "Quotas).",
    ),
    Cause(
        r"Throttling|Rate exceeded|TooManyRequests|RequestLimitExceeded|too many concurrent",
        "Throttled",
        "AWS limits this account's calls; they are tried again.",
    ),
    Cause(
        r"LimitExceeded|ServiceQuotaExceeded|ResourceLimitExceeded",
        "QuotaReached",
        "A quota of the account is used up: look it up in Service Quotas, and ask AWS to raise it.",
    ),
)
