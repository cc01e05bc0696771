"""Who the operator is to AWS, and what it may do.

IAM user guide: "Troubleshoot access denied error messages"; AWS: "Common errors" in the API references; STS API
reference.
"""

from dask_ecs.plan.causes.cause import Cause

CAUSES = (
    Cause(
        r"unable to assume the service linked role|service.linked role.*(not exist|missing)",
        "ServiceLinkedRoleMissing",
        "The account has no service-linked role of ECS: aws iam create-service-linked-role --aws-service-name "
        "ecs.amazonaws.com",
    ),
    Cause(
        r"unable to assume (the )?role|Role .* is (not valid|invalid)|role.*trust relationship",
        "RoleNotAssumable",
        "A new role takes some seconds to be usable; a given one must trust ecs-tasks.amazonaws.com.",
    ),
    Cause(
        r"long ARN format|LongArn|new ARN and resource ID format",
        "LongArnsOff",
        "The account has ECS's long ARNs turned off, without which nothing has tags: aws ecs "
        "put-account-setting-default --name taskLongArnFormat --value enabled",
    ),
    Cause(
        r"NoCredentials|Unable to locate credentials|Partial credentials",
        "NoCredentials",
        "The operator has no AWS credentials: give its pod's service account a role (IRSA or Pod Identity), or set "
        "AWS_PROFILE; see docs/permissions.md.",
    ),
    Cause(
        r"ExpiredToken|RequestExpired|security token included in the request is expired|token.*expired",
        "CredentialsExpired",
        "The operator's AWS credentials have expired: renew them, or use a role, whose credentials renew themselves "
        "(IRSA, Pod Identity).",
    ),
    Cause(
        r"Signature expired|Signature not yet current|RequestTimeTooSkewed",
        "ClockSkewed",
        "The operator's machine has another time than AWS: set its clock (NTP).",
    ),
    Cause(
        r"InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId|AuthFailure|SignatureDoesNotMatch|"
        r"security token included in the request is invalid|InvalidSignature",
        "CredentialsInvalid",
        "AWS does not know the operator's credentials: check the access key, and that it is of this partition "
        "(China and GovCloud have keys of their own).",
    ),
    Cause(
        r"OpenIDConnect provider|InvalidIdentityToken|AssumeRoleWithWebIdentity",
        "WebIdentityRefused",
        "AWS does not take the pod's token for the role: the account needs the Kubernetes cluster's OIDC provider, and "
        "the role's trust policy must name this service account.",
    ),
    Cause(
        r"OptInRequired|not subscribed|region.*(disabled|not enabled)",
        "RegionNotEnabled",
        "The account has not enabled this region or service: enable it, or choose another spec.region.",
    ),
    Cause(
        r"BlockedException|account .*(blocked|suspended)",
        "AccountBlocked",
        "AWS has blocked the account: ask AWS's support.",
    ),
    Cause(
        r"AccessDenied|UnauthorizedOperation|is not authorized to perform",
        "AccessDenied",
        "Allow the operator's AWS identity what the message names; `dask-ecs iam-policy` prints its whole policy.",
    ),
)
