"""What AWS's errors mean to us, decided once."""

import enum
import re
from typing import Any

import botocore.exceptions

from dask_ecs.plan import access_denied, diagnosis


class Kind(enum.Enum):
    """What to do about an error."""

    RETRY_SOON = "retry soon"
    BACK_OFF = "back off"
    NEEDS_USER = "wait for the user"
    GONE = "gone"
    CONFLICT = "conflict"


class AwsError(Exception):
    """A call that AWS refused or that did not get through; `code` is AWS's own."""

    def __init__(
        self,
        *,
        operation: str,
        code: str,
        message: str,
        kind: Kind,
        request_id: str = "",
        sent_again: bool = False,
    ) -> None:
        super().__init__(f"{operation}: {code}: {message}" + (f" (request {request_id})" if request_id else ""))
        self.operation = operation
        self.code = code
        self.message = message
        self.kind = kind
        self.request_id = request_id
        self.sent_again = sent_again
        """Whether the SDK had sent the call before, and had no answer or was told to come again."""

    @property
    def reason(self) -> str:
        """A condition's reason."""
        known = diagnosis.diagnose(f"{self.code} {self.message}")
        return known.reason if known else re.sub(r"[^A-Za-z0-9]", "", self.code) or "AwsError"

    @property
    def advice(self) -> str:
        """What AWS said and what to do, for a person."""
        known = diagnosis.diagnose(f"{self.code} {self.message}", action=self.operation)
        said = f"{self.operation} failed: {access_denied.readable(self.message).rstrip('.')} ({self.code})."
        return f"{said} {known.fix}" if known else said


class ConfigurationError(AwsError):
    """AWS's configuration of this process can not be used, so nothing was called; `message` has all that there is."""

    def __init__(self, operation: str, *, code: str, message: str) -> None:
        super().__init__(operation=operation, code=code, message=message, kind=Kind.NEEDS_USER)

    @property
    def advice(self) -> str:
        """What is wrong with it, and what to do."""
        return self.message


class UnknownOutcomeError(AwsError):
    """A call that may have been carried out although no answer came."""


class TasksNotPlacedError(AwsError):
    """RunTask answered, but some tasks were not started: `failures` in its answer."""


class NotOursError(AwsError):
    """A thing that has the name we would give it, and does not carry our tags: it is never touched."""


_THROTTLED = {"ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown"}
_GONE = {
    "ClusterNotFoundException",
    "NoSuchEntity",
    "InvalidGroup.NotFound",
    "InvalidLaunchTemplateName.NotFoundException",
    "ResourceNotFoundException",
    "MISSING",
}
_CONFLICT = {
    "ConflictException",
    "EntityAlreadyExists",
    "InvalidGroup.Duplicate",
    "InvalidLaunchTemplateName.AlreadyExistsException",
    "AlreadyExists",
    "ResourceAlreadyExistsException",
    "ResourceExistsException",
    "InvalidPermission.Duplicate",
    "InvalidPermission.NotFound",
}
# They end by themselves, when what still uses the thing is gone.
_SOON = {
    "DependencyViolation",
    "DeleteConflict",
    "ClusterContainsTasksException",
    "ClusterContainsContainerInstancesException",
    "ResourceInUse",
    "ResourceInUseException",
    "ResourceContention",
    "ScalingActivityInProgress",
    "UpdateInProgressException",
    "OperationAbortedException",
    "ConcurrentModification",
    "ExpiredToken",  # credentials that renew themselves are renewed by now
    "ExpiredTokenException",
}
# The same for what has just been made and is not known everywhere yet: a secret that was deleted for good keeps its
# name for some moments more (Secrets Manager), an instance profile can not be used (Auto Scaling), nor a role or a
# security group, nor the role that ECS makes for itself with the account's first cluster.
_SOON_SAYS = re.compile(
    r"Invalid IAM Instance Profile|unable to assume the (service linked )?role|Too many concurrent attempts|"
    r"security group .*does not exist",
    re.IGNORECASE,
)
# ECS developer guide, "Amazon ECS API failure reasons": what is lacking now, other tasks, instances or AWS may give.
LACKING = re.compile(
    r"RESOURCE|Capacity is unavailable|InsufficientInstanceCapacity|\bAGENT\b|NO ACTIVE INSTANCES|"
    r"EMPTY CAPACITY PROVIDER"
)


def classify(operation: str, error: Exception) -> AwsError:
    """Return the error in our terms, from what botocore raised."""
    if isinstance(error, botocore.exceptions.ClientError):
        said: dict[str, Any] = dict(error.response)
        code = str(said.get("Error", {}).get("Code", "Unknown"))
        message = str(said.get("Error", {}).get("Message") or said.get("message") or code)
        metadata = said.get("ResponseMetadata", {})
        status = int(metadata.get("HTTPStatusCode", 0))
        kind = _kind(code, message, status)
        cls = UnknownOutcomeError if status >= 500 else AwsError
        return cls(
            operation=operation,
            code=code,
            message=message,
            kind=kind,
            request_id=str(metadata.get("RequestId", "")),
            sent_again=bool(metadata.get("RetryAttempts")),
        )
    if isinstance(
        error,
        botocore.exceptions.NoCredentialsError
        | botocore.exceptions.PartialCredentialsError
        | botocore.exceptions.CredentialRetrievalError,
    ):
        return AwsError(operation=operation, code="NoCredentials", message=str(error), kind=Kind.NEEDS_USER)
    if isinstance(error, botocore.exceptions.ProfileNotFound | botocore.exceptions.ConfigParseError):
        return bad_configuration(operation, error)
    if isinstance(error, botocore.exceptions.ParamValidationError):  # nothing was sent
        return AwsError(operation=operation, code="InvalidParameter", message=str(error), kind=Kind.NEEDS_USER)
    # A connection that broke or timed out: the call may have arrived.
    code = type(error).__name__
    return UnknownOutcomeError(operation=operation, code=code, message=str(error), kind=Kind.RETRY_SOON)


def bad_configuration(operation: str, error: Exception) -> ConfigurationError:
    """Return the error in our terms, where the SDK can not use its configuration."""
    return ConfigurationError(
        operation,
        code=type(error).__name__,
        message=f"AWS's configuration can not be used: {str(error).rstrip('.')}. Mend AWS_PROFILE, or the files in "
        "~/.aws that it is of.",
    )


def _kind(code: str, message: str, status: int) -> Kind:
    if code in _THROTTLED or status >= 500 or code in _SOON:
        return Kind.RETRY_SOON
    if code in _GONE:
        return Kind.GONE
    if code in _CONFLICT:
        return Kind.CONFLICT
    if code == "InvalidRequestException" and "deletion" in message:
        return Kind.RETRY_SOON
    if _SOON_SAYS.search(message):
        return Kind.RETRY_SOON
    if LACKING.search(message):
        return Kind.BACK_OFF
    return Kind.NEEDS_USER
