"""What the IAM roles that are made may do: as little as ECS needs."""

from typing import Any


def trust(*, account_id: str, region: str) -> dict[str, Any]:
    """Return the trust policy: ECS tasks of this account and region, nobody else.

    AWS: "Amazon ECS task execution IAM role", on the confused deputy problem.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account_id},
                    "ArnLike": {"aws:SourceArn": f"arn:{partition(region)}:ecs:{region}:{account_id}:*"},
                },
            }
        ],
    }


def execution_policy(*, account_id: str, region: str, log_group: str) -> dict[str, Any]:
    """Return what ECS's agent may do for a task: pull images from ECR and write to this log group."""
    group = f"arn:{partition(region)}:logs:{region}:{account_id}:log-group:{log_group}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
                "Resource": f"arn:{partition(region)}:ecr:*:*:repository/*",
            },
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": f"{group}:log-stream:*",
            },
        ],
    }


def partition(region: str) -> str:
    """Return the ARN partition of a region (AWS: "Amazon Resource Names")."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
