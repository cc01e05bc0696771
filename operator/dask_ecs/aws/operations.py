"""The AWS seam: exactly the operations that are called, each with the permissions that it needs."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation of one AWS service.

    `actions` are the IAM actions it takes, those it implies included (AWS: "Service Authorization Reference").
    """

    service: str
    name: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"


GET_CALLER_IDENTITY = Operation("sts", "GetCallerIdentity", ())  # needs no permission

DESCRIBE_VPCS = Operation("ec2", "DescribeVpcs", ("ec2:DescribeVpcs",))
DESCRIBE_SUBNETS = Operation("ec2", "DescribeSubnets", ("ec2:DescribeSubnets",))
DESCRIBE_ROUTE_TABLES = Operation("ec2", "DescribeRouteTables", ("ec2:DescribeRouteTables",))
DESCRIBE_SECURITY_GROUPS = Operation("ec2", "DescribeSecurityGroups", ("ec2:DescribeSecurityGroups",))
CREATE_SECURITY_GROUP = Operation("ec2", "CreateSecurityGroup", ("ec2:CreateSecurityGroup", "ec2:CreateTags"))
AUTHORIZE_INGRESS = Operation("ec2", "AuthorizeSecurityGroupIngress", ("ec2:AuthorizeSecurityGroupIngress",))
REVOKE_INGRESS = Operation("ec2", "RevokeSecurityGroupIngress", ("ec2:RevokeSecurityGroupIngress",))
DELETE_SECURITY_GROUP = Operation("ec2", "DeleteSecurityGroup", ("ec2:DeleteSecurityGroup",))

GET_ROLE = Operation("iam", "GetRole", ("iam:GetRole",))
CREATE_ROLE = Operation("iam", "CreateRole", ("iam:CreateRole", "iam:TagRole"))
PUT_ROLE_POLICY = Operation("iam", "PutRolePolicy", ("iam:PutRolePolicy",))
DELETE_ROLE_POLICY = Operation("iam", "DeleteRolePolicy", ("iam:DeleteRolePolicy",))
LIST_ROLE_POLICIES = Operation("iam", "ListRolePolicies", ("iam:ListRolePolicies",))
ATTACH_ROLE_POLICY = Operation("iam", "AttachRolePolicy", ("iam:AttachRolePolicy",))
DETACH_ROLE_POLICY = Operation("iam", "DetachRolePolicy", ("iam:DetachRolePolicy",))
LIST_ATTACHED_ROLE_POLICIES = Operation("iam", "ListAttachedRolePolicies", ("iam:ListAttachedRolePolicies",))
DELETE_ROLE = Operation("iam", "DeleteRole", ("iam:DeleteRole",))

CREATE_LOG_GROUP = Operation("logs", "CreateLogGroup", ("logs:CreateLogGroup", "logs:TagResource"))
PUT_RETENTION_POLICY = Operation("logs", "PutRetentionPolicy", ("logs:PutRetentionPolicy",))
GET_LOG_EVENTS = Operation("logs", "GetLogEvents", ("logs:GetLogEvents",))

CREATE_CLUSTER = Operation("ecs", "CreateCluster", ("ecs:CreateCluster", "ecs:TagResource"))
DESCRIBE_CLUSTERS = Operation("ecs", "DescribeClusters", ("ecs:DescribeClusters",))
DELETE_CLUSTER = Operation("ecs", "DeleteCluster", ("ecs:DeleteCluster",))
REGISTER_TASK_DEFINITION = Operation(
    "ecs", "RegisterTaskDefinition", ("ecs:RegisterTaskDefinition", "ecs:TagResource", "iam:PassRole")
)
LIST_TASK_DEFINITIONS = Operation("ecs", "ListTaskDefinitions", ("ecs:ListTaskDefinitions",))
DEREGISTER_TASK_DEFINITION = Operation("ecs", "DeregisterTaskDefinition", ("ecs:DeregisterTaskDefinition",))
RUN_TASK = Operation("ecs", "RunTask", ("ecs:RunTask", "ecs:TagResource", "iam:PassRole"))
STOP_TASK = Operation("ecs", "StopTask", ("ecs:StopTask",))
LIST_TASKS = Operation("ecs", "ListTasks", ("ecs:ListTasks",))
DESCRIBE_TASKS = Operation("ecs", "DescribeTasks", ("ecs:DescribeTasks",))

RECEIVE_MESSAGE = Operation("sqs", "ReceiveMessage", ("sqs:ReceiveMessage",))
DELETE_MESSAGES = Operation("sqs", "DeleteMessageBatch", ("sqs:DeleteMessage",))

ALL: tuple[Operation, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Operation))


def actions() -> tuple[str, ...]:
    """Return every IAM action that the operator needs, sorted."""
    return tuple(sorted({action for operation in ALL for action in operation.actions}))
