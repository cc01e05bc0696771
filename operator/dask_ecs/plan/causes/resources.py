"""What a task needs before its containers start: secrets, logs, volumes.

ECS developer guide: "Troubleshooting Amazon ECS ResourceInitializationError errors", "... CannotCreateVolumeError".
"""

from dask_ecs.plan.causes.cause import Cause

_SECRET = r"(unable to retrieve secrets?|pull secrets from|registry auth from asm|Fetching secret data).*"

CAUSES = (
    Cause(
        _SECRET + r"(Access to KMS is not allowed|kms:Decrypt)",
        "SecretKeyDenied",
        "The execution role may not decrypt the secret: allow it kms:Decrypt with the secret's key, in the role's "
        "policy or the key's.",
    ),
    Cause(
        _SECRET + r"(AccessDenied|not authorized to perform)",
        "SecretAccessDenied",
        "The execution role may not read the secret: allow a given role secretsmanager:GetSecretValue or "
        "ssm:GetParameters on it; a role that is made may read what spec.secrets names, unless its permissions "
        "boundary forbids it.",
    ),
    Cause(
        _SECRET + r"did not contain json key",
        "SecretKeyMissing",
        "The secret has no such key: compare the end of valueFrom in spec.secrets with the secret's JSON.",
    ),
    Cause(
        _SECRET + r"(ResourceNotFoundException|can't find the specified secret|invalid parameters|ParameterNotFound|"
        r"marked for deletion|marked deleted)",
        "SecretNotFound",
        "A secret or parameter that the task reads is not there: check spec.secrets and spec.imageCredentials, their "
        "region and account.",
    ),
    Cause(
        r"^InvalidRequestException .*(marked|scheduled) for deletion",
        "SecretScheduledForDeletion",
        "Somebody has asked for the secret with the namespace's certificate to be deleted: take that back by "
        "`aws secretsmanager restore-secret --secret-id NAME`, or delete it at once by `aws secretsmanager "
        "delete-secret --force-delete-without-recovery`; then it is made anew.",
    ),
    Cause(
        _SECRET + r"(asm|ssm|secrets? manager|parameter store).*(timeout|dial tcp|send request failed|connection issue|"
        r"context deadline|Check your task network configuration)",
        "SecretsUnreachable",
        "Tasks can not reach Secrets Manager or Parameter Store: give them a way out (spec.network.assignPublicIp: "
        "true in public subnets, or NAT), or VPC endpoints for them.",
    ),
    Cause(
        r"(failed to validate logger args|initialize logging driver|logging driver).*(timeout|dial tcp|"
        r"send request failed|connection issue|context deadline)",
        "LogsUnreachable",
        "Tasks can not reach CloudWatch Logs: give them a way out (spec.network.assignPublicIp: true in public "
        "subnets, or NAT), or a VPC endpoint for logs.",
    ),
    Cause(
        r"(failed to validate logger args|initialize logging driver|logging driver|failed to create Cloudwatch log).*"
        r"(AccessDenied|not authorized to perform)",
        "LogsAccessDenied",
        "The execution role may not write to the log group: allow a given role logs:CreateLogStream and "
        "logs:PutLogEvents on spec.logs.group.",
    ),
    Cause(
        r"log group does not exist|failed to validate logger args|initialize logging driver",
        "LogGroupMissing",
        "The log group was deleted or the execution role may not write to it; check spec.logs.group.",
    ),
    Cause(
        r"(EFS utils|EFS volumes?|mount\.nfs4?|efs\.).*(Failed to resolve|Name or service not known|DNS)",
        "VolumeNotResolved",
        "The EFS file system's name is not resolved: check its id in spec.volumes, that it has a mount target in the "
        "tasks' subnets' zones, and that the VPC has DNS resolution and host names on.",
    ),
    Cause(
        r"(EFS utils|EFS volumes?|mount\.nfs4?).*(access denied|not authorized|permission denied)",
        "VolumeAccessDenied",
        "EFS refuses the mount: the file system's policy must admit the task role (elasticfilesystem:ClientMount), and "
        "the access point's user the folder.",
    ),
    Cause(
        r"(EFS utils|EFS volumes?|mount\.nfs4?).*(timed? ?out|timeout|Connection reset)",
        "VolumeUnreachable",
        "EFS does not answer: its mount targets' security group must admit the tasks' group at TCP port 2049.",
    ),
    Cause(
        r"EFS utils|EFS volumes?|mount\.nfs4?",
        "VolumeMountFailed",
        "The EFS file system could not be mounted: check spec.volumes, its mount targets and their security group.",
    ),
    Cause(
        r"CannotCreateVolumeError|CannotMountVolume|volume .*(not found|failed to)",
        "VolumeNotCreated",
        "A volume could not be made: check spec.volumes; a host's path must be on the instance, and a file system "
        "must be reachable from the tasks' subnets.",
    ),
    Cause(
        r"EphemeralStorage provisioning",
        "StorageNotProvisioned",
        "Fargate did not provide the task's disk in time: it is tried again; if that goes on, ask for less "
        "ephemeralStorage or for other zones (spec.network.subnets).",
    ),
    Cause(
        r"fsx|FSxWindows",
        "VolumeMountFailed",
        "The FSx file system could not be mounted: check spec.volumes and its security group.",
    ),
)
