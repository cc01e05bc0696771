"""The AWS seam: exactly the operations that are called, each with the permissions that it needs.

The operator's IAM policy is made of these (`iam_policy`), so each says on what and when it is allowed:

- An action of which IAM can not limit the resource, as most that describe and list, stands as text.
- Any other is a `Permission`: its action, `on` the templates of ARNs in `permission` (names begin with
  `dask-{install}-`), `when` the conditions there. What makes a thing carries `TO_BE_OURS`, what changes or deletes one
  `OURS`, so that the operator's identity can touch nothing else. Where two kinds of resource are needed and only one of
  them has a tag, there are two permissions of the same action.
- What it implies is named too: `TagResource` or `CreateTags` where tags are sent, `iam:PassRole` for roles.
- `purpose` is the thing that it makes, so that it can be left out of a policy for those who give theirs.

Which resources and condition keys an action has is in AWS's "Service Authorization Reference".
"""

import dataclasses

from dask_ecs.aws.permission import (
    ALLOWED_POLICY,
    AUTO_SCALING_GROUP,
    BOUNDED,
    BY_LAUNCH_TEMPLATE,
    CAPACITY_PROVIDER,
    EC2,
    ECS_AMI,
    ECS_CLUSTER,
    EVENTS_QUEUE,
    GIVEN_ECS_CLUSTER,
    GIVEN_ROLE,
    GIVEN_TASK_DEFINITION,
    INSTANCE_PROFILE,
    LAUNCH_TEMPLATE,
    LOG_GROUP,
    LOG_GROUP_TO_TAG,
    LOG_STREAM,
    MANAGING_POLICY,
    MISSING_INSTANCE_PROFILE,
    MISSING_ROLE,
    OURS,
    ROLE,
    SECRET,
    SECURITY_GROUP,
    SERVICE_LINKED_ROLE,
    TASK,
    TASK_DEFINITION,
    TASK_IN_GIVEN_CLUSTER,
    TO_BE_OURS,
    TO_EC2,
    TO_ECS,
    TO_ECS_TASKS,
    VPC,
    Permission,
    Purpose,
    made_by,
    of_service,
)


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation of one AWS service, the permissions it takes and what it is for."""

    service: str
    name: str
    needs: tuple[str | Permission, ...] = ()
    purpose: Purpose = "tasks"

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"

    @property
    def is_change(self) -> bool:
        """Whether it makes, changes or deletes something of AWS that outlives it."""
        return self.service != "sqs" and not self.name.startswith(("Describe", "Get", "List", "Simulate"))

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """What it takes, each with its resources and conditions."""
        return tuple(need if isinstance(need, Permission) else Permission(need) for need in self.needs)

    @property
    def actions(self) -> tuple[str, ...]:
        """The IAM actions that it takes, those it implies included."""
        return tuple(dict.fromkeys(permission.action for permission in self.permissions))


PASS_ROLE = Permission("iam:PassRole", (ROLE, GIVEN_ROLE), (TO_ECS_TASKS,))

GET_CALLER_IDENTITY = Operation("sts", "GetCallerIdentity")  # needs no permission

DESCRIBE_VPCS = Operation("ec2", "DescribeVpcs", ("ec2:DescribeVpcs",))
DESCRIBE_SUBNETS = Operation("ec2", "DescribeSubnets", ("ec2:DescribeSubnets",))
DESCRIBE_ROUTE_TABLES = Operation("ec2", "DescribeRouteTables", ("ec2:DescribeRouteTables",))
DESCRIBE_SECURITY_GROUPS = Operation(
    "ec2", "DescribeSecurityGroups", ("ec2:DescribeSecurityGroups",), purpose="security group"
)
CREATE_SECURITY_GROUP = Operation(
    "ec2",
    "CreateSecurityGroup",
    (
        Permission("ec2:CreateSecurityGroup", (SECURITY_GROUP,), (TO_BE_OURS,)),
        Permission("ec2:CreateSecurityGroup", (VPC,)),
        Permission("ec2:CreateTags", (SECURITY_GROUP,), (made_by("ec2", "CreateSecurityGroup"),)),
    ),
    purpose="security group",
)
AUTHORIZE_INGRESS = Operation(
    "ec2",
    "AuthorizeSecurityGroupIngress",
    (Permission("ec2:AuthorizeSecurityGroupIngress", (SECURITY_GROUP,), (OURS,)),),
    purpose="security group",
)
REVOKE_INGRESS = Operation(
    "ec2",
    "RevokeSecurityGroupIngress",
    (Permission("ec2:RevokeSecurityGroupIngress", (SECURITY_GROUP,), (OURS,)),),
    purpose="security group",
)
DELETE_SECURITY_GROUP = Operation(
    "ec2",
    "DeleteSecurityGroup",
    (Permission("ec2:DeleteSecurityGroup", (SECURITY_GROUP,), (OURS,)),),
    purpose="security group",
)

GET_ROLE = Operation("iam", "GetRole", (Permission("iam:GetRole", (ROLE, MISSING_ROLE)),), purpose="role")
CREATE_ROLE = Operation(
    "iam",
    "CreateRole",
    (Permission("iam:CreateRole", (ROLE,), (TO_BE_OURS, BOUNDED)), Permission("iam:TagRole", (ROLE,), (TO_BE_OURS,))),
    purpose="role",
)
PUT_ROLE_POLICY = Operation(
    "iam", "PutRolePolicy", (Permission("iam:PutRolePolicy", (ROLE,), (BOUNDED,)),), purpose="role"
)
DELETE_ROLE_POLICY = Operation(
    "iam", "DeleteRolePolicy", (Permission("iam:DeleteRolePolicy", (ROLE,)),), purpose="role"
)
LIST_ROLE_POLICIES = Operation(
    "iam", "ListRolePolicies", (Permission("iam:ListRolePolicies", (ROLE,)),), purpose="role"
)
GET_ROLE_POLICY = Operation("iam", "GetRolePolicy", (Permission("iam:GetRolePolicy", (ROLE,)),), purpose="role")
UPDATE_ASSUME_ROLE_POLICY = Operation(
    "iam", "UpdateAssumeRolePolicy", (Permission("iam:UpdateAssumeRolePolicy", (ROLE,)),), purpose="role"
)
PUT_ROLE_PERMISSIONS_BOUNDARY = Operation(
    "iam",
    "PutRolePermissionsBoundary",
    (Permission("iam:PutRolePermissionsBoundary", (ROLE,), (BOUNDED,)),),
    purpose="role",
)
ATTACH_ROLE_POLICY = Operation(
    "iam",
    "AttachRolePolicy",
    (Permission("iam:AttachRolePolicy", (ROLE,), (ALLOWED_POLICY, BOUNDED)),),
    purpose="role",
)
DETACH_ROLE_POLICY = Operation(
    "iam", "DetachRolePolicy", (Permission("iam:DetachRolePolicy", (ROLE,)),), purpose="role"
)
LIST_ATTACHED_ROLE_POLICIES = Operation(
    "iam", "ListAttachedRolePolicies", (Permission("iam:ListAttachedRolePolicies", (ROLE,)),), purpose="role"
)
DELETE_ROLE = Operation("iam", "DeleteRole", (Permission("iam:DeleteRole", (ROLE,)),), purpose="role")

CREATE_LOG_GROUP = Operation(
    "logs",
    "CreateLogGroup",
    (Permission("logs:CreateLogGroup", (LOG_GROUP,)), Permission("logs:TagResource", (LOG_GROUP_TO_TAG,))),
    purpose="log group",
)
PUT_RETENTION_POLICY = Operation(
    "logs", "PutRetentionPolicy", (Permission("logs:PutRetentionPolicy", (LOG_GROUP,)),), purpose="log group"
)
LIST_LOG_GROUP_TAGS = Operation(
    "logs", "ListTagsForResource", (Permission("logs:ListTagsForResource", (LOG_GROUP_TO_TAG,)),), purpose="log group"
)
DELETE_LOG_GROUP = Operation(
    "logs", "DeleteLogGroup", (Permission("logs:DeleteLogGroup", (LOG_GROUP,), (OURS,)),), purpose="log group"
)
DESCRIBE_LOG_GROUPS = Operation("logs", "DescribeLogGroups", ("logs:DescribeLogGroups",))
GET_LOG_EVENTS = Operation("logs", "GetLogEvents", (Permission("logs:GetLogEvents", (LOG_STREAM,)),))

CREATE_CLUSTER = Operation(
    "ecs",
    "CreateCluster",
    (
        Permission("ecs:CreateCluster", (ECS_CLUSTER,), (TO_BE_OURS,)),
        Permission("ecs:TagResource", (ECS_CLUSTER,), (made_by("ecs", "CreateCluster"),)),
    ),
    purpose="ECS cluster",
)
DESCRIBE_CLUSTERS = Operation(
    "ecs", "DescribeClusters", (Permission("ecs:DescribeClusters", (ECS_CLUSTER, GIVEN_ECS_CLUSTER)),)
)
PUT_CLUSTER_CAPACITY_PROVIDERS = Operation(
    "ecs",
    "PutClusterCapacityProviders",
    (Permission("ecs:PutClusterCapacityProviders", (ECS_CLUSTER,), (OURS,)),),
    purpose="ECS cluster",
)
DELETE_CLUSTER = Operation(
    "ecs", "DeleteCluster", (Permission("ecs:DeleteCluster", (ECS_CLUSTER,), (OURS,)),), purpose="ECS cluster"
)

CREATE_SECRET = Operation(
    "secretsmanager",
    "CreateSecret",
    (
        Permission("secretsmanager:CreateSecret", (SECRET,), (TO_BE_OURS,)),
        Permission("secretsmanager:TagResource", (SECRET,), (TO_BE_OURS,)),
    ),
    purpose="certificate",
)
# Not only ours, by its tags: of what is not there, it has to be told so.
DESCRIBE_SECRET = Operation(
    "secretsmanager",
    "DescribeSecret",
    (Permission("secretsmanager:DescribeSecret", (SECRET,)),),
    purpose="certificate",
)
GET_SECRET_VALUE = Operation(
    "secretsmanager",
    "GetSecretValue",
    (Permission("secretsmanager:GetSecretValue", (SECRET,)),),
    purpose="certificate",
)
PUT_SECRET_VALUE = Operation(
    "secretsmanager",
    "PutSecretValue",
    (Permission("secretsmanager:PutSecretValue", (SECRET,), (OURS,)),),
    purpose="certificate",
)
DELETE_SECRET = Operation(
    "secretsmanager",
    "DeleteSecret",
    (Permission("secretsmanager:DeleteSecret", (SECRET,), (OURS,)),),
    purpose="certificate",
)
REGISTER_TASK_DEFINITION = Operation(
    "ecs",
    "RegisterTaskDefinition",
    (
        Permission("ecs:RegisterTaskDefinition", (TASK_DEFINITION,), (TO_BE_OURS,)),
        Permission("ecs:TagResource", (TASK_DEFINITION,), (made_by("ecs", "RegisterTaskDefinition"),)),
        PASS_ROLE,
    ),
)
DESCRIBE_TASK_DEFINITION = Operation("ecs", "DescribeTaskDefinition", ("ecs:DescribeTaskDefinition",))
LIST_TASK_DEFINITIONS = Operation("ecs", "ListTaskDefinitions", ("ecs:ListTaskDefinitions",))
DEREGISTER_TASK_DEFINITION = Operation("ecs", "DeregisterTaskDefinition", ("ecs:DeregisterTaskDefinition",))
RUN_TASK = Operation(
    "ecs",
    "RunTask",
    (
        Permission("ecs:RunTask", (TASK_DEFINITION, GIVEN_TASK_DEFINITION)),
        Permission("ecs:TagResource", (TASK, TASK_IN_GIVEN_CLUSTER), (made_by("ecs", "RunTask"),)),
        PASS_ROLE,
    ),
)
STOP_TASK = Operation(
    "ecs",
    "StopTask",
    (
        Permission("ecs:StopTask", (TASK,)),
        Permission("ecs:StopTask", (TASK_IN_GIVEN_CLUSTER,), (OURS,)),
    ),
)
LIST_TASKS = Operation("ecs", "ListTasks", ("ecs:ListTasks",))
LIST_CONTAINER_INSTANCES = Operation(
    "ecs",
    "ListContainerInstances",
    (Permission("ecs:ListContainerInstances", (ECS_CLUSTER, GIVEN_ECS_CLUSTER)),),
)
DESCRIBE_TASKS = Operation("ecs", "DescribeTasks", (Permission("ecs:DescribeTasks", (TASK, TASK_IN_GIVEN_CLUSTER)),))

DESCRIBE_INSTANCE_TYPES = Operation("ec2", "DescribeInstanceTypes", ("ec2:DescribeInstanceTypes",), purpose="capacity")
GET_INSTANCE_PROFILE = Operation(
    "iam",
    "GetInstanceProfile",
    (Permission("iam:GetInstanceProfile", (INSTANCE_PROFILE, MISSING_INSTANCE_PROFILE)),),
    purpose="capacity",
)
CREATE_INSTANCE_PROFILE = Operation(
    "iam",
    "CreateInstanceProfile",
    (
        Permission("iam:CreateInstanceProfile", (INSTANCE_PROFILE,), (TO_BE_OURS,)),
        Permission("iam:TagInstanceProfile", (INSTANCE_PROFILE,), (TO_BE_OURS,)),
    ),
    purpose="capacity",
)
ADD_ROLE_TO_INSTANCE_PROFILE = Operation(
    "iam",
    "AddRoleToInstanceProfile",
    (
        Permission("iam:AddRoleToInstanceProfile", (INSTANCE_PROFILE,)),
        Permission("iam:PassRole", (ROLE, GIVEN_ROLE), (TO_EC2,)),
    ),
    purpose="capacity",
)
REMOVE_ROLE_FROM_INSTANCE_PROFILE = Operation(
    "iam",
    "RemoveRoleFromInstanceProfile",
    (Permission("iam:RemoveRoleFromInstanceProfile", (INSTANCE_PROFILE,)),),
    purpose="capacity",
)
DELETE_INSTANCE_PROFILE = Operation(
    "iam", "DeleteInstanceProfile", (Permission("iam:DeleteInstanceProfile", (INSTANCE_PROFILE,)),), purpose="capacity"
)
ATTACH_MANAGING_POLICY = Operation(
    "iam",
    "AttachRolePolicy",
    (Permission("iam:AttachRolePolicy", (ROLE,), (MANAGING_POLICY, BOUNDED)),),
    purpose="capacity",
)
DESCRIBE_LAUNCH_TEMPLATES = Operation(
    "ec2", "DescribeLaunchTemplates", ("ec2:DescribeLaunchTemplates",), purpose="capacity"
)
DESCRIBE_LAUNCH_TEMPLATE_VERSIONS = Operation(
    "ec2", "DescribeLaunchTemplateVersions", ("ec2:DescribeLaunchTemplateVersions",), purpose="capacity"
)
CREATE_LAUNCH_TEMPLATE = Operation(
    "ec2",
    "CreateLaunchTemplate",
    (
        Permission("ec2:CreateLaunchTemplate", (LAUNCH_TEMPLATE,), (TO_BE_OURS,)),
        Permission("ec2:CreateTags", (LAUNCH_TEMPLATE,), (made_by("ec2", "CreateLaunchTemplate"),)),
        # AWS asks it of whoever makes a template, or a group of it, that names an AMI by a parameter.
        Permission("ssm:GetParameters", (ECS_AMI,)),
    ),
    purpose="capacity",
)
CREATE_LAUNCH_TEMPLATE_VERSION = Operation(
    "ec2",
    "CreateLaunchTemplateVersion",
    (Permission("ec2:CreateLaunchTemplateVersion", (LAUNCH_TEMPLATE,), (OURS,)),),
    purpose="capacity",
)
DELETE_LAUNCH_TEMPLATE = Operation(
    "ec2",
    "DeleteLaunchTemplate",
    (Permission("ec2:DeleteLaunchTemplate", (LAUNCH_TEMPLATE,), (OURS,)),),
    purpose="capacity",
)
DESCRIBE_AUTO_SCALING_GROUPS = Operation(
    "autoscaling", "DescribeAutoScalingGroups", ("autoscaling:DescribeAutoScalingGroups",), purpose="capacity"
)
CREATE_AUTO_SCALING_GROUP = Operation(
    "autoscaling",
    "CreateAutoScalingGroup",
    (
        Permission("autoscaling:CreateAutoScalingGroup", (AUTO_SCALING_GROUP,), (TO_BE_OURS,)),
        Permission("autoscaling:CreateOrUpdateTags", (AUTO_SCALING_GROUP,)),
        # Whoever makes a group has to be allowed what it does by its launch template.
        Permission("ec2:RunInstances", (EC2,), (BY_LAUNCH_TEMPLATE,)),
        Permission("ec2:CreateTags", (EC2,), (made_by("ec2", "RunInstances"),)),
        *(
            Permission("iam:CreateServiceLinkedRole", (SERVICE_LINKED_ROLE,), (of_service(f"{name}.amazonaws.com"),))
            for name in ("autoscaling", "spot", "ecs")
        ),
    ),
    purpose="capacity",
)
UPDATE_AUTO_SCALING_GROUP = Operation(
    "autoscaling",
    "UpdateAutoScalingGroup",
    (Permission("autoscaling:UpdateAutoScalingGroup", (AUTO_SCALING_GROUP,), (OURS,)),),
    purpose="capacity",
)
DELETE_AUTO_SCALING_GROUP = Operation(
    "autoscaling",
    "DeleteAutoScalingGroup",
    (Permission("autoscaling:DeleteAutoScalingGroup", (AUTO_SCALING_GROUP,), (OURS,)),),
    purpose="capacity",
)
DESCRIBE_CAPACITY_PROVIDERS = Operation(
    "ecs",
    "DescribeCapacityProviders",
    (Permission("ecs:DescribeCapacityProviders", (CAPACITY_PROVIDER,)),),
    purpose="capacity",
)
CREATE_CAPACITY_PROVIDER = Operation(
    "ecs",
    "CreateCapacityProvider",
    (
        Permission("ecs:CreateCapacityProvider", (CAPACITY_PROVIDER,), (TO_BE_OURS,)),
        Permission("ecs:TagResource", (CAPACITY_PROVIDER,), (made_by("ecs", "CreateCapacityProvider"),)),
        Permission("iam:PassRole", (ROLE,), (TO_ECS,)),
    ),
    purpose="capacity",
)
UPDATE_CAPACITY_PROVIDER = Operation(
    "ecs",
    "UpdateCapacityProvider",
    (Permission("ecs:UpdateCapacityProvider", (CAPACITY_PROVIDER,), (OURS,)),),
    purpose="capacity",
)
DELETE_CAPACITY_PROVIDER = Operation(
    "ecs",
    "DeleteCapacityProvider",
    (Permission("ecs:DeleteCapacityProvider", (CAPACITY_PROVIDER,), (OURS,)),),
    purpose="capacity",
)

RECEIVE_MESSAGE = Operation(
    "sqs", "ReceiveMessage", (Permission("sqs:ReceiveMessage", (EVENTS_QUEUE,)),), purpose="events"
)
DELETE_MESSAGES = Operation(
    "sqs", "DeleteMessageBatch", (Permission("sqs:DeleteMessage", (EVENTS_QUEUE,)),), purpose="events"
)

ALL: tuple[Operation, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Operation))


def actions() -> tuple[str, ...]:
    """Return every IAM action that the operator needs, sorted."""
    return tuple(sorted({action for operation in ALL for action in operation.actions}))
