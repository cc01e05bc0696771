"""Why an image can not be pulled, in the words of "CannotPullContainer task errors" of the ECS guide."""

from __future__ import annotations

from .. import image_name


class CannotPull(Exception):  # noqa: N818
    """The image can not be pulled; the text is ECS'."""


def unreachable_registry(image: str) -> CannotPull:
    """Return the error of a task that has no way to the registry: no NAT, no public address."""
    registry, repository, tag = image_name.parts(image)
    if ".dkr.ecr." in registry:
        return CannotPull(
            "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth"
            " from Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network"
            f' configuration. RequestError: send request failed caused by: Post "https://api.ecr.{registry}/": dial'
            " tcp: i/o timeout"
        )
    host = "registry-1.docker.io" if registry == "docker.io" else registry
    return CannotPull(
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref"
        f' {registry}/{repository}:{tag}: failed to do request: Head "https://{host}/v2/{repository}/manifests/{tag}":'
        " dial tcp: i/o timeout"
    )


def unknown_image(image: str) -> CannotPull:
    """Return the error of an image that its registry does not have."""
    registry, repository, tag = image_name.parts(image)
    reference = f"{registry}/{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"
    return CannotPull(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref"
        f" {reference}: {reference}: not found"
    )
