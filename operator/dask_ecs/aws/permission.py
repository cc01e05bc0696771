"""What an operation takes of IAM, as a policy will have it: an action, on which resources, under which conditions.

Resources and condition values are templates: `iam_policy` fills in what is known of an account, as in
`arn:{partition}:ecs:{region}:{account}:cluster/dask-{install}-*`. A place that has several values makes a resource for
each of them, one that has none takes its resource away, and an action without any resource is not needed at all.
"""

import dataclasses
from typing import Literal

Purpose = Literal["tasks", "role", "security group", "ECS cluster", "log group", "certificate", "events", "capacity"]
"""What an operation is for: a policy for clusters that are given a role needs nothing of what makes roles."""


@dataclasses.dataclass(frozen=True)
class When:
    """One condition of a policy's statement; an optional one goes where its value has no place filled in."""

    operator: str
    key: str
    value: str
    optional: bool = False


@dataclasses.dataclass(frozen=True)
class Permission:
    """One IAM action, on which resources (AWS: "Service Authorization Reference"), under which conditions."""

    action: str
    on: tuple[str, ...] = ("*",)
    when: tuple[When, ...] = ()


# What carries our name or tag, and what a user has given.
ECS_CLUSTER = "arn:{partition}:ecs:{region}:{account}:cluster/dask-{install}-*"
GIVEN_ECS_CLUSTER = "arn:{partition}:ecs:{region}:{account}:cluster/{given_ecs_cluster}"
TASK = "arn:{partition}:ecs:{region}:{account}:task/dask-{install}-*/*"
TASK_IN_GIVEN_CLUSTER = "arn:{partition}:ecs:{region}:{account}:task/{given_ecs_cluster}/*"
TASK_DEFINITION = "arn:{partition}:ecs:{region}:{account}:task-definition/dask-{install}-*:*"
GIVEN_TASK_DEFINITION = "{given_task_definition}"
ROLE = "arn:{partition}:iam::{account}:role{role_path}dask-{install}-*"
# A role that is not there has no path, so whether one is there is asked of this.
MISSING_ROLE = "arn:{partition}:iam::{account}:role/dask-{install}-*"
GIVEN_ROLE = "{given_role}"
SECURITY_GROUP = "arn:{partition}:ec2:{region}:{account}:security-group/*"
VPC = "arn:{partition}:ec2:{region}:{account}:vpc/*"
INSTANCE_PROFILE = "arn:{partition}:iam::{account}:instance-profile{role_path}dask-{install}-*"
MISSING_INSTANCE_PROFILE = "arn:{partition}:iam::{account}:instance-profile/dask-{install}-*"
LAUNCH_TEMPLATE = "arn:{partition}:ec2:{region}:{account}:launch-template/*"
AUTO_SCALING_GROUP = (
    "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/dask-{install}-*"
)
CAPACITY_PROVIDER = "arn:{partition}:ecs:{region}:{account}:capacity-provider/dask-{install}-*"
ECS_AMI = "arn:{partition}:ssm:{region}::parameter/aws/service/ecs/optimized-ami/*"
SERVICE_LINKED_ROLE = "arn:{partition}:iam::{account}:role/aws-service-role/*"
EC2 = "arn:{partition}:ec2:{region}:*"
SECRET = "arn:{partition}:secretsmanager:{region}:{account}:secret:dask-{install}-*"
# CloudWatch Logs API reference, LogGroup: only where tags are set does the ARN not end with that of the streams.
LOG_GROUP = "arn:{partition}:logs:{region}:{account}:log-group:{log_group}:*"
LOG_GROUP_TO_TAG = "arn:{partition}:logs:{region}:{account}:log-group:{log_group}"
LOG_STREAM = "arn:{partition}:logs:{region}:{account}:log-group:{log_group}:log-stream:*"
EVENTS_QUEUE = "{events_queue}"

MADE: dict[str, Purpose] = {ECS_CLUSTER: "ECS cluster", TASK: "ECS cluster", ROLE: "role", MISSING_ROLE: "role"}
"""Which of these there are only where something is made for that purpose."""

# StringLike, for the install may be any.
OURS = When("StringLike", "aws:ResourceTag/ecs.dask.org/install", "{install}")
TO_BE_OURS = When("StringLike", "aws:RequestTag/ecs.dask.org/install", "{install}")
BOUNDED = When("StringEquals", "iam:PermissionsBoundary", "{permissions_boundary}", optional=True)
ALLOWED_POLICY = When("ArnLike", "iam:PolicyARN", "{allowed_policy}")
MANAGING_POLICY = When(
    "ArnLike",
    "iam:PolicyARN",
    "arn:{partition}:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances",
)
BY_LAUNCH_TEMPLATE = When("ArnLike", "ec2:LaunchTemplate", LAUNCH_TEMPLATE)
TO_EC2 = When("StringLike", "iam:PassedToService", "ec2.*")
TO_ECS = When("StringEquals", "iam:PassedToService", "ecs.amazonaws.com")
TO_ECS_TASKS = When("StringEquals", "iam:PassedToService", "ecs-tasks.amazonaws.com")


def of_service(name: str) -> When:
    """Return the condition that a service-linked role is this service's."""
    return When("StringEquals", "iam:AWSServiceName", name)


def made_by(service: str, operation: str) -> When:
    """Return the condition that tags are set only by what makes the thing (EC2's and ECS's `CreateAction`)."""
    return When("StringEquals", f"{service}:CreateAction", operation)
