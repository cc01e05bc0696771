"""What the IAM roles that are made may do: as little as ECS needs."""

from collections.abc import Sequence
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


def execution_policy(
    *, account_id: str, region: str, log_group: str, secrets: Sequence[str] = (), certificate: str | None = None
) -> dict[str, Any]:
    """Return what ECS's agent may do for a task: pull images from ECR, write to this log group, read these secrets.

    `secrets` are ARNs of Secrets Manager's secrets and of Parameter Store's parameters; `certificate` is the name of
    the secret that holds the certificate, which is encrypted with the account's own key.
    """
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
            *_reading_certificate(certificate, account_id=account_id, region=region),
            *_reading(secrets, service="secretsmanager", action="GetSecretValue", context="SecretARN"),
            *_reading(secrets, service="ssm", action="GetParameters", context="PARAMETER_ARN"),
        ],
    }


def _reading_certificate(name: str | None, *, account_id: str, region: str) -> list[dict[str, Any]]:
    if name is None:
        return []
    # AWS: "Secrets Manager ARN": six random characters are at its end, which the role's name can not depend on.
    arn = f"arn:{partition(region)}:secretsmanager:{region}:{account_id}:secret:{name}-??????"
    return [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn}]


def task_policy(*, execute_command: bool) -> dict[str, Any] | None:
    """Return what the code in the tasks may do besides what the user asks for: nothing, but that ECS Exec reaches it.

    AWS: "Task IAM role permissions" in "Monitor Amazon ECS containers with ECS Exec".
    """
    if not execute_command:
        return None
    channels = [f"{create_or_open}{end}Channel" for create_or_open in ("Create", "Open") for end in ("Control", "Data")]
    statement = {"Effect": "Allow", "Action": [f"ssmmessages:{channel}" for channel in channels], "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _reading(secrets: Sequence[str], *, service: str, action: str, context: str) -> list[dict[str, Any]]:
    """Return the statements for one service's secrets: read them, and decrypt them where they have a key of their own.

    Whatever the key, it decrypts nothing else: both services encrypt each secret with its ARN as context (AWS: "Secret
    encryption and decryption in AWS Secrets Manager", "AWS KMS encryption for AWS Systems Manager Parameter Store").
    """
    arns = [arn for arn in secrets if arn.split(":")[2] == service]
    if not arns:
        return []
    return [
        {"Effect": "Allow", "Action": f"{service}:{action}", "Resource": arns},
        {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringEquals": {f"kms:EncryptionContext:{context}": arns}},
        },
    ]


def partition(region: str) -> str:
    """Return the ARN partition of a region (AWS: "Amazon Resource Names")."""
    return next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")


# AWS: "AWS Fault Isolation Boundaries", "Partitions"; the SDK's own list, "partitions".
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "eusc-": "aws-eusc",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
}
