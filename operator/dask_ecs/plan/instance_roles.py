"""The IAM roles behind instances that are brought: what ECS's agent on them may do, and what ECS may that manages them.

The agent gets what the managed policy AmazonEC2ContainerServiceforEC2Role has for it, of this ECS cluster only; pulling
images and writing logs are the execution role's.
"""

from __future__ import annotations

from typing import Any

from dask_ecs.plan.roles import partition

MANAGING_POLICY = "policy/AmazonECSInfrastructureRolePolicyForManagedInstances"


def trust(service: str, *, region: str) -> dict[str, Any]:
    """Return the trust policy: this AWS service, nobody else."""
    suffix = "amazonaws.com.cn" if partition(region) == "aws-cn" and service == "ec2" else "amazonaws.com"
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.{suffix}"}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def agent_policy(*, account_id: str, region: str, ecs_cluster: str) -> dict[str, Any]:
    """Return what ECS's agent may do: register its instance with one cluster, be told what to run, tell how it goes."""
    ecs = f"arn:{partition(region)}:ecs:{region}:{account_id}"
    instances = f"{ecs}:container-instance/{ecs_cluster}/*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["ecs:DiscoverPollEndpoint", "ec2:DescribeTags"], "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": [
                    "ecs:RegisterContainerInstance",
                    "ecs:DeregisterContainerInstance",
                    "ecs:SubmitAttachmentStateChanges",
                    "ecs:SubmitContainerStateChange",
                    "ecs:SubmitTaskStateChange",
                ],
                "Resource": f"{ecs}:cluster/{ecs_cluster}",
            },
            {
                "Effect": "Allow",
                "Action": [
                    "ecs:Poll",
                    "ecs:StartTelemetrySession",
                    "ecs:PutSystemLogEvents",
                    "ecs:UpdateContainerInstancesState",
                ],
                "Resource": instances,
            },
            {
                "Effect": "Allow",
                "Action": "ecs:TagResource",
                "Resource": instances,
                "Condition": {"StringEquals": {"ecs:CreateAction": "RegisterContainerInstance"}},
            },
        ],
    }


def pass_to_ec2(role_arn: str) -> dict[str, Any]:
    """Return what ECS needs besides its managed policy: that policy passes only roles named ecsInstanceRole*."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": role_arn,
                "Condition": {"StringLike": {"iam:PassedToService": "ec2.*"}},
            }
        ],
    }
