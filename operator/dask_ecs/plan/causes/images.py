"""Images that can not be pulled. ECS developer guide: "CannotPullContainer task errors in Amazon ECS"."""

from dask_ecs.plan.causes.cause import Cause

_PULL = r"CannotPull\w*Error.*"

CAUSES = (
    Cause(
        _PULL + r"(toomanyrequests|pull rate limit|429 Too Many Requests|reached your unauthenticated)",
        "ImagePullThrottled",
        "The registry limits how often images are pulled: give credentials in spec.imageCredentials, or copy the image "
        "to Amazon ECR and name that instead.",
    ),
    Cause(
        _PULL + r"(does not contain descriptor matching platform|no match(ing manifest)? for platform|"
        r"no matching manifest)",
        "WrongArchitecture",
        "The image is not built for the tasks' architecture: set spec.cpuArchitecture to the image's (X86_64 or "
        "ARM64), or build the image for both.",
    ),
    Cause(
        _PULL + r"no space left on device",
        "ImageTooLarge",
        "The image does not fit the task's or the instance's disk: raise ephemeralStorage of the role, or "
        "spec.capacity.filesystemSize, or make the image smaller.",
    ),
    Cause(
        _PULL + r"(invalid reference format|repository name must be lowercase)",
        "ImageNameInvalid",
        "The image's name is none: write it as registry/name:tag, in spec.image or in image of the role.",
    ),
    Cause(
        _PULL + r"(unsupported media type|media type .* not supported|manifest invalid|Schema 1)",
        "ImageFormatUnsupported",
        "The image's format is not one that ECS runs (Docker's schema 2 or OCI): build and push it anew.",
    ),
    Cause(
        r"(CannotPull\w*Error|ecr registry auth).*(403 Forbidden|AccessDenied|not authorized to perform: ecr:|"
        r"no basic auth credentials|repository policy|role('s)? permissions)",
        "ImageAccessDenied",
        "The execution role may not pull the image: allow it ecr:BatchGetImage and ecr:GetDownloadUrlForLayer, in its "
        "own policy and, for another account's image, in the repository's.",
    ),
    Cause(
        r"CannotPull.*@sha256:[0-9a-f]{64}.*(not found|manifest unknown|does not exist|can't find the image)",
        "ImageDigestNotFound",
        "The registry does not have the image with this digest any more: push it again, or name another. "
        "If it is a tag that has moved, set spec.suspend to true and, once the condition Suspended is True, back to "
        "false: the cluster starts anew with what the tag means now.",
    ),
    Cause(
        r"CannotPull.*Error.*(not found|manifest unknown|does not exist|denied|unauthorized|insufficient_scope|"
        r"can't find the image|Check whether the image exists|failed to resolve ref)(?!.*(timeout|dial tcp))",
        "ImageNotFound",
        "Check the image's name (spec.image, or image of the role): it must exist and be readable by the execution "
        "role, or be public; a private registry's credentials belong in spec.imageCredentials.",
    ),
    Cause(
        r"CannotPull\w*Error|ecr registry auth|registry auth from Amazon ECR|unable to pull secrets or registry auth",
        "ImagePullFailed",
        "Tasks can not reach the image's registry: give them a public address in a public subnet "
        "(spec.network.assignPublicIp: true), or subnets with a NAT gateway or VPC endpoints (spec.network.subnets).",
    ),
)
