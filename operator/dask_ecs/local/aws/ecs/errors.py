"""The errors that ECS answers with, by their names in the ECS API reference."""

from __future__ import annotations

from typing import Any


class EcsError(Exception):
    """An error answer: HTTP 400, its class's name as `__type`, and fields besides the message."""

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields

    @property
    def code(self) -> str:
        """The error code that clients see."""
        return type(self).__name__


class AccessDeniedException(EcsError):  # noqa: N818
    """The caller may not do that."""


class ClientException(EcsError):  # noqa: N818
    """The request is not valid in the state that its resource is in."""


class InvalidParameterException(EcsError):  # noqa: N818
    """A parameter is not valid."""


class ClusterNotFoundException(EcsError):  # noqa: N818
    """There is no such ECS cluster, or it has been deleted."""

    def __init__(self, message: str = "Cluster not found.") -> None:
        super().__init__(message)


class ClusterContainsTasksException(EcsError):  # noqa: N818
    """The cluster to delete has active tasks."""

    def __init__(self) -> None:
        super().__init__("The Cluster cannot be deleted while Tasks are active.")


class ClusterContainsContainerInstancesException(EcsError):  # noqa: N818
    """The cluster to delete has container instances."""

    def __init__(self) -> None:
        super().__init__("The Cluster cannot be deleted while Container Instances are active or draining.")


class ConflictException(EcsError):  # noqa: N818
    """The client token was used with other parameters; `resourceIds` says for which tasks."""


class ResourceNotFoundException(EcsError):  # noqa: N818
    """There is no such resource."""


class UnsupportedFeatureException(EcsError):  # noqa: N818
    """The operation is one that the local ECS does not know."""


class ResourceInUseException(EcsError):  # noqa: N818
    """The resource is in use and can not be removed."""
