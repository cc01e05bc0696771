"""Real messages, and what they are taken for. Each row of the tables has one here at least."""

import datetime
import json
from typing import Any

import pytest

from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.plan import access_denied, causes, diagnosis
from dask_ecs.plan.causes import processes
from dask_ecs.plan.causes.cause import Cause, first
from dask_ecs.plan.observed import Task

INIT = "ResourceInitializationError: "
SECRETS = INIT + "unable to pull secrets or registry auth: execution resource retrieval failed: "
PULL = "CannotPullContainerError: "
EFS = INIT + "failed to invoke EFS utils commands to set up EFS volumes: stderr: "
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"

# Sources: the ECS developer guide's pages on stopped tasks' errors and API failure reasons, AWS's knowledge centre on
# each of them, the error codes of EC2's and IAM's API references, and reports of these messages by users.
SAID: list[tuple[str, str]] = [
    # Images
    (
        PULL + 'inspect image has been retried 5 time(s): failed to resolve ref "docker.io/library/nope:latest": '
        "docker.io/library/nope:latest: not found",
        "ImageNotFound",
    ),
    (
        PULL + "pull image manifest has been retried 5 time(s): failed to resolve ref docker.io/acme/private:1: pull "
        "access denied, repository does not exist or may require authorization: server message: insufficient_scope: "
        "authorization failed",
        "ImageNotFound",
    ),
    (
        PULL + "Error response from daemon: manifest for ghcr.io/dask/dask:9 not found: manifest unknown",
        "ImageNotFound",
    ),
    (
        PULL + "pull image manifest has been retried 1 time(s): failed to resolve ref ghcr.io/dask/dask@sha256:"
        f"{'ab' * 32}: ghcr.io/dask/dask@sha256:{'ab' * 32}: not found",
        "ImageDigestNotFound",
    ),
    (
        PULL
        + "ref pull has been retried 5 time(s): failed to copy: httpReadSeeker: failed open: unexpected status code "
        "https://registry-1.docker.io/v2/daskdev/dask/manifests/sha256:6e: 429 Too Many Requests - Server message: "
        "toomanyrequests: You have reached your pull rate limit.",
        "ImagePullThrottled",
    ),
    (PULL + "image Manifest does not contain descriptor matching platform 'linux/amd64'", "WrongArchitecture"),
    (
        PULL + "no matching manifest for linux/arm64/v8 in the manifest list entries",
        "WrongArchitecture",
    ),
    (
        PULL + "ref pull has been retried 1 time(s): failed to extract layer sha256:2f: write /opt/conda/lib/x.so: no "
        "space left on device: unknown",
        "ImageTooLarge",
    ),
    (PULL + "failed to parse image: invalid reference format", "ImageNameInvalid"),
    (
        PULL + "ref pull has been retried 1 time(s): unsupported media type application/vnd.docker.distribution."
        "manifest.v1+prettyjws",
        "ImageFormatUnsupported",
    ),
    (
        PULL + 'inspect image has been retried 1 time(s): failed to resolve ref "123456789012.dkr.ecr.eu-west-1.'
        'amazonaws.com/dask:1": pulling from host 123456789012.dkr.ecr.eu-west-1.amazonaws.com failed with status code '
        "[manifests 1]: 403 Forbidden",
        "ImageAccessDenied",
    ),
    (
        SECRETS
        + "unable to retrieve ecr registry auth: service call has been retried 1 time(s): AccessDeniedException: "
        "User: arn:aws:sts::123456789012:assumed-role/pull/0123 is not authorized to perform: "
        "ecr:GetAuthorizationToken on resource: * because no identity-based policy allows the "
        "ecr:GetAuthorizationToken action",
        "ImageAccessDenied",
    ),
    (
        SECRETS + "unable to retrieve ecr registry auth: service call has been retried 3 time(s): RequestError: send "
        "request failed caused by: Post https://api.ecr.eu-west-1.amazonaws.com/: dial tcp 54.239.34.61:443: i/o "
        "timeout",
        "ImagePullFailed",
    ),
    (
        PULL + 'inspect image has been retried 5 time(s): failed to resolve ref "ghcr.io/dask/dask:1": failed to do '
        "request: Head https://ghcr.io/v2/dask/dask/manifests/1: dial tcp 140.82.121.33:443: i/o timeout",
        "ImagePullFailed",
    ),
    (
        PULL + "The task cannot pull dask:1 from the registry. There is a connection issue between the task and the "
        "registry. Check your task network configuration.",
        "ImagePullFailed",
    ),
    # Secrets, logs, volumes
    (
        SECRETS
        + f"unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret "
        f"{ARN} from secrets manager: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/pull/0 is "
        f"not "
        "authorized to perform: secretsmanager:GetSecretValue",
        "SecretAccessDenied",
    ),
    (
        SECRETS + f"unable to retrieve secret from asm: failed to fetch secret {ARN} from secrets manager: "
        "AccessDeniedException: Access to KMS is not allowed",
        "SecretKeyDenied",
    ),
    (
        SECRETS + "unable to retrieve secret from asm: retrieved secret from Secrets Manager did not contain json key "
        "password",
        "SecretKeyMissing",
    ),
    (
        SECRETS + f"unable to retrieve secret from asm: failed to fetch secret {ARN} from secrets manager: "
        "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
        "SecretNotFound",
    ),
    (
        SECRETS + "unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid parameters: "
        "/team/token",
        "SecretNotFound",
    ),
    (
        "InvalidRequestException You can't perform this operation on the secret because it was marked for deletion.",
        "SecretScheduledForDeletion",
    ),
    (
        SECRETS
        + f"unable to retrieve secret from asm: service call has been retried 5 time(s): failed to fetch secret "
        f"{ARN} from secrets manager: RequestCanceled: request context canceled caused by: context deadline exceeded",
        "SecretsUnreachable",
    ),
    (
        INIT
        + "failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log "
        "stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1",
        "LogGroupMissing",
    ),
    (
        INIT
        + "failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log "
        "stream: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/pull/0 is not authorized to "
        "perform: logs:CreateLogStream",
        "LogsAccessDenied",
    ),
    (
        INIT + "failed to validate logger args: create stream has been retried 1 times: RequestError: send request "
        "failed caused by: Post https://logs.eu-west-1.amazonaws.com/: dial tcp 52.94.1.1:443: i/o timeout : exit "
        "status 1",
        "LogsUnreachable",
    ),
    (
        EFS
        + 'Failed to resolve "fs-0123456789abcdef0.efs.eu-west-1.amazonaws.com" - check that your file system ID is '
        "correct, and ensure that the VPC has an EFS mount target for this file system ID.",
        "VolumeNotResolved",
    ),
    (EFS + "b'mount.nfs4: access denied by server while mounting 127.0.0.1:/' : code 32", "VolumeAccessDenied"),
    (
        EFS + "mount.nfs4: Connection timed out : unsuccessful EFS utils command execution; code: 32",
        "VolumeUnreachable",
    ),
    (EFS + "mount.nfs4: mounting 127.0.0.1:/ failed, reason given by server: No such file", "VolumeMountFailed"),
    (INIT + "failed to set up FSxWindowsFileServer volumes: ", "VolumeMountFailed"),
    ("CannotCreateVolumeError: Get https://efs.sock: the volume plugin failed", "VolumeNotCreated"),
    ("Timeout waiting for EphemeralStorage provisioning to complete.", "StorageNotProvisioned"),
    (
        INIT + "failed to configure ENI: failed to setup regular eni: netplugin failed with no error message",
        "ResourceInitializationFailed",
    ),
    # Containers
    (
        "CannotStartContainerError: ResourceInitializationError: exec /opt/conda/bin/dask: exec format error",
        "WrongArchitecture",
    ),
    (
        "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: failed "
        "to "
        "create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "
        '"dask"'
        ": executable file not found in $PATH: unknown",
        "CommandNotFound",
    ),
    (
        'CannotStartContainerError: Error response from daemon: failed to create task for container: exec: "/dask": '
        "permission denied: unknown",
        "CommandNotExecutable",
    ),
    (
        "CannotStartContainerError: Error response from daemon: failed to create shim task: OCI runtime create failed: "
        "nvidia-container-cli: initialization error: nvml error: driver not loaded",
        "GPUDriverMismatch",
    ),
    (
        'CannotCreateContainerError: Error response from daemon: Conflict. The container name "/ecs-dask-1" is '
        "already in"
        " use",
        "InstanceUnhealthy",
    ),
    ("OutOfMemoryError: Container killed due to memory usage", "OutOfMemory"),
    ("CannotStartContainerError: failed to get container status: unknown", "ContainerCannotStart"),
    ("DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s", "ContainerRuntimeTimeout"),
    (
        "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m: context deadline",
        "ContainerRuntimeTimeout",
    ),
    ("CannotStopContainerError: failed sending SIGTERM to container: no such process", "ContainerCannotStop"),
    ("CannotInspectContainerError: Could not transition to inspecting", "InstanceUnhealthy"),
    ("ContainerRuntimeError: failed to start containerd task", "ContainerCannotStart"),
    ("InternalError: unexpected error of the agent", "AWSInternalError"),
    ("Task failed container health checks", "Unhealthy"),
    # Network
    (
        "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet "
        "'subnet-0123': InvalidSubnetID.NotFound",
        "NetworkNotFound",
    ),
    (
        "InvalidParameterException: Error retrieving security group information for [sg-0123]: The security group "
        "'sg-0123' does not exist (ErrorCode: InvalidGroup.NotFound)",
        "SecurityGroupNotFound",
    ),
    (
        "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-0123': "
        "InsufficientFreeAddressesInSubnet",
        "SubnetFull",
    ),
    ("Timeout waiting for network interface provisioning to complete.", "NetworkInterfaceTimeout"),
    ("assignPublicIp is not supported for this launch type.", "PublicIpOnInstances"),
    ("Unexpected EC2 error while attempting to delete ENI", "NetworkInterfaceFailed"),
    ('Could not connect to the endpoint URL: "https://ecs.eu-west-9.amazonaws.com/"', "AWSUnreachable"),
    # Capacity and quotas
    ("You've reached the limit on the number of vCPUs you can run concurrently", "VCPUQuotaReached"),
    ("You've reached the limit on the number of tasks you can run concurrently", "VCPUQuotaReached"),
    (
        "Capacity is unavailable at this time. Please try again later or in a different availability zone",
        "CapacityUnavailable",
    ),
    ("SpotInterruption Your Spot Task was interrupted.", "SpotInterrupted"),
    (
        "TerminationNotice ECS is performing maintenance on the underlying infrastructure hosting the task.",
        "TaskRetired",
    ),
    (
        "VcpuLimitExceeded You have requested more vCPU capacity than your current vCPU limit of 0 allows for the "
        "instance bucket that the specified instance type belongs to.",
        "InstanceQuotaReached",
    ),
    ("InvalidInstanceType The following supplied instance types do not exist: [m6i.lrage]", "InstanceTypeNotFound"),
    (
        "SecurityGroupLimitExceeded The maximum number of security groups for VPC 'vpc-0123' has been reached.",
        "TooManySecurityGroups",
    ),
    (
        "RulesPerSecurityGroupLimitExceeded The maximum number of rules per security group has been reached.",
        "TooManySecurityGroupRules",
    ),
    ("LimitExceeded Cannot exceed quota for RolesPerAccount: 1000", "IAMQuotaReached"),
    ("NetworkInterfaceLimitExceeded", "NetworkInterfaceQuotaReached"),
    ("ThrottlingException Rate exceeded", "Throttled"),
    ("ServiceQuotaExceededException You have reached the maximum number of capacity providers.", "QuotaReached"),
    # Placement
    ("RESOURCE:GPU", "NoGPUs"),
    ("RESOURCE:CPU", "NoRoomOnInstances"),
    ("RESOURCE:MEMORY", "NoRoomOnInstances"),
    ("TaskFailedToStart: RESOURCE:ENI", "NoNetworkInterfaces"),
    ("RESOURCE:PORTS", "PortInUse"),
    ("RESOURCE:FPGA", "NoRoomOnInstances"),
    ("MemberOf placement constraint unsatisfied.", "NoFittingInstances"),
    ("TaskFailedToStart: ATTRIBUTE", "NoFittingInstances"),
    ("No Container Instances were found in your cluster.", "NoContainerInstances"),
    ("TaskFailedToStart: EMPTY CAPACITY PROVIDER", "NoContainerInstances"),
    ("TaskFailedToStart: NO ACTIVE INSTANCES", "NoContainerInstances"),
    ("TaskFailedToStart: AGENT", "InstancesDisconnected"),
    ("LOCATION", "NoInstancesInSubnets"),
    ("Host EC2 (instance i-0123456789abcdef0) terminated.", "InstanceGone"),
    ("INACTIVE", "Inactive"),
    ("MISSING", "NotFound"),
    (
        "PlatformTaskDefinitionIncompatibilityException The specified platform does not satisfy the task definition's "
        "required capabilities.",
        "PlatformIncompatible",
    ),
    ("PlatformUnknownException The specified platform version doesn't exist.", "PlatformUnknown"),
    (
        "InvalidParameterException The specified capacity provider 'gpu' was not found.",
        "CapacityProviderNotFound",
    ),
    # Access
    (
        "InvalidParameterException Unable to assume the service linked role. Please verify that the ECS service linked "
        "role exists.",
        "ServiceLinkedRoleMissing",
    ),
    (
        "ClientException ECS was unable to assume the role 'arn:aws:iam::123456789012:role/x' that was provided for "
        "this task. Please verify that the role being passed has the proper trust relationship",
        "RoleNotAssumable",
    ),
    (
        "InvalidParameterException The new ARN and resource ID format must be enabled to add tags to the task. Opt "
        "in to the new format and try again.",
        "LongArnsOff",
    ),
    ("NoCredentials Unable to locate credentials", "NoCredentials"),
    ("ExpiredTokenException The security token included in the request is expired", "CredentialsExpired"),
    (
        "InvalidSignatureException Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z",
        "ClockSkewed",
    ),
    ("UnrecognizedClientException The security token included in the request is invalid.", "CredentialsInvalid"),
    ("InvalidClientTokenId The security token included in the request is invalid.", "CredentialsInvalid"),
    ("AuthFailure AWS was not able to validate the provided access credentials", "CredentialsInvalid"),
    (
        "InvalidIdentityToken No OpenIDConnect provider found in your account for https://oidc.eks.eu-west-1.amazonaws."
        "com/id/ABC",
        "WebIdentityRefused",
    ),
    ("OptInRequired You are not subscribed to this service.", "RegionNotEnabled"),
    ("BlockedException Your account is currently blocked. Contact AWS support.", "AccountBlocked"),
    ("AccessDeniedException not authorized", "AccessDenied"),
]

LOGGED: list[tuple[str, str]] = [
    ("exec /usr/bin/tini: exec format error", "WrongArchitecture"),
    ("Error: No such command 'scheduler'.", "DaskNotInImage"),
    ("/usr/bin/python: No module named distributed", "DaskNotInImage"),
    ("ModuleNotFoundError: No module named 'dask_cuda'", "DaskCudaNotInImage"),
    ("RuntimeError: CUDA driver version is insufficient for CUDA runtime version", "GPUDriverMismatch"),
    ("distributed.client.VersionMismatchWarning: Mismatched versions found", "VersionsDiffer"),
    ("ModuleNotFoundError: No module named 's3fs'", "ModuleMissing"),
    ("Error: No such option: --nprocs", "ArgumentsInvalid"),
    (
        "OSError: Timed out trying to connect to tcp://10.0.1.7:8786 after 30 s",
        "SchedulerUnreachableFromWorkers",
    ),
    ("OSError: [Errno 98] Address already in use", "PortInUse"),
    ("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "CertificateRefused"),
    (
        "distributed.nanny.memory - WARNING - Worker tcp://10.0.1.9:4 exceeded 95% memory budget. Restarting...",
        "OutOfMemory",
    ),
    ("OSError: [Errno 28] No space left on device", "DiskFull"),
    ("botocore.exceptions.NoCredentialsError: Unable to locate credentials", "TaskHasNoRole"),
    (
        "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the ListObjectsV2 operation",
        "TaskRoleDenied",
    ),
]


@pytest.mark.parametrize(("said", "reason"), SAID)
def test_what_aws_says_is_known_for_what_it_is(said: str, reason: str) -> None:
    found = diagnosis.diagnose(said)
    assert found is not None
    assert (found.reason, bool(found.fix)) == (reason, True)


def test_every_row_explains_a_message_here() -> None:
    rows = {cause for each in causes.AWS.values() for cause in each}
    assert rows - {causes.of_words(said) for said, _ in SAID} == set()
    assert set(processes.LOGS) - {first(processes.LOGS, line) for line, _ in LOGGED} == set()


@pytest.mark.parametrize("cause", [cause for each in (*causes.AWS.values(), processes.LOGS) for cause in each], ids=str)
def test_a_row_reads_well(cause: Cause) -> None:
    assert cause.reason.isalnum()
    assert cause.reason[0].isupper()
    assert len(cause.fix) < 300


def test_what_nobody_knows_is_shown_as_aws_said_it() -> None:
    assert diagnosis.diagnose("The moon is in the seventh house") is None
    reason, message = diagnosis.of_task(task(stopped_reason="The moon is in the seventh house"))
    assert reason == "WorkerFailed"
    assert "The moon is in the seventh house" in message


@pytest.mark.parametrize(("line", "reason"), LOGGED)
def test_the_end_of_a_log_tells_why_a_task_ended(line: str, reason: str) -> None:
    said, message = diagnosis.of_task(task(exit_code=1, log_tail=("starting", line)))
    assert said == reason
    assert line in message


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (126, "CommandNotExecutable"),
        (127, "CommandNotFound"),
        (134, "Aborted"),
        (137, "Killed"),
        (139, "Crashed"),
        (143, "Terminated"),
        (1, "WorkerFailed"),
    ],
)
def test_an_exit_code_tells_why_a_task_ended(code: int, reason: str) -> None:
    assert diagnosis.of_task(task(exit_code=code, log_tail=("bye",)))[0] == reason


def test_what_ecs_says_counts_for_more_than_the_log() -> None:
    reason, _ = diagnosis.of_task(
        task(exit_code=137, container_reason="OutOfMemoryError: Container killed due to memory usage", log_tail=("x",))
    )
    assert reason == "OutOfMemory"


def test_a_retired_task_is_known_by_its_stop_code_alone() -> None:
    assert diagnosis.of_task(task(stop_code="TerminationNotice", stopped_reason="bye"))[0] == "TaskRetired"


ROLE = "arn:aws:iam::123456789012:role/dask-ecs/dask-x"
WHO = "arn:aws:sts::123456789012:assumed-role/operator/session"


def statement_of(advice: str) -> dict[str, Any]:
    found: dict[str, Any] = json.JSONDecoder().raw_decode(advice[advice.index('{"Effect"') :])[0]
    return found


def refused(message: str, *, operation: str = "ecs:RunTask", code: str = "AccessDeniedException") -> AwsError:
    return AwsError(operation=operation, code=code, message=message, kind=Kind.NEEDS_USER)


def test_a_refusal_comes_with_the_statement_that_allows_it() -> None:
    resource = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dask-x:1"
    error = refused(
        f"User: {WHO} is not authorized to perform: ecs:RunTask on resource: {resource} because no identity-based "
        f"policy "
        "allows the ecs:RunTask action"
    )
    assert error.reason == "AccessDenied"
    assert statement_of(error.advice) == {"Effect": "Allow", "Action": "ecs:RunTask", "Resource": resource}
    assert WHO in error.advice
    assert "dask-ecs iam-policy" in error.advice


@pytest.mark.parametrize(
    ("operation", "service"),
    [
        ("ecs:RunTask", "ecs-tasks"),
        ("ecs:RegisterTaskDefinition", "ecs-tasks"),
        ("iam:AddRoleToInstanceProfile", "ec2"),
        ("autoscaling:CreateAutoScalingGroup", "ec2"),
        ("ecs:CreateCapacityProvider", "ecs"),
    ],
)
def test_passing_a_role_is_allowed_to_the_service_that_it_is_for(operation: str, service: str) -> None:
    error = refused(
        f"User: {WHO} is not authorized to perform: iam:PassRole on resource: {ROLE} because no identity-based policy "
        "allows the iam:PassRole action",
        operation=operation,
    )
    assert statement_of(error.advice) == {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": ROLE,
        "Condition": {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}},
    }


def test_an_encoded_refusal_names_the_action_of_the_call() -> None:
    error = refused(
        "You are not authorized to perform this operation. Encoded authorization failure message: 4wRzVGZ9kd3Kd0",
        operation="ec2:CreateSecurityGroup",
        code="UnauthorizedOperation",
    )
    assert statement_of(error.advice)["Action"] == "ec2:CreateSecurityGroup"
    assert "4wRzVGZ9kd3Kd0" not in error.advice


def test_a_role_that_is_not_there_has_no_arn_to_allow() -> None:
    denial = access_denied.read(
        f"User: {WHO} is not authorized to perform: iam:GetRole on resource: role dask-x because"
    )
    assert denial is not None
    assert denial.resource == "*"


@pytest.mark.parametrize(
    ("ending", "blamed"),
    [
        ("with an explicit deny in a service control policy", "service control policy"),
        ("with an explicit deny in an identity-based policy", "denies ecs:RunTask outright"),
        ("because no permissions boundary allows the ecs:RunTask action", "permissions boundary"),
        ("because no session policy allows the ecs:RunTask action", "session"),
        ("because no VPC endpoint policy allows the ecs:RunTask action", "VPC endpoint"),
        ("because no service control policy allows the ecs:RunTask action", "service control policy"),
    ],
)
def test_a_refusal_says_which_policy_is_to_blame(ending: str, blamed: str) -> None:
    error = refused(f"User: {WHO} is not authorized to perform: ecs:RunTask on resource: * {ending}")
    assert blamed in error.advice
    assert ('{"Effect"' in error.advice) == ("explicit deny" not in ending)


def task(**told: Any) -> Task:
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    fields: dict[str, Any] = {
        "stopped_reason": "Essential container in task exited",
        "stop_code": "EssentialContainerExited",
        "started_at": moment,
        **told,
    }
    return Task(
        arn="arn:aws:ecs:eu-west-1:123456789012:task/dask/0123",
        role="worker",
        started_by="dask/x/y",
        task_definition_arn="",
        last_status="STOPPED",
        desired_status="STOPPED",
        created_at=moment,
        **fields,
    )
