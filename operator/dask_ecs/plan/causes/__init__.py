"""What AWS and Dask say when something does not work, by where it comes from; each row has a cause and a fix."""

from dask_ecs.plan.causes import access, capacity, containers, images, network, placement, resources
from dask_ecs.plan.causes.cause import Cause, first

AWS: dict[str, tuple[Cause, ...]] = {
    "Secrets, logs and volumes": resources.CAUSES,
    "Images": images.CAUSES,
    "Containers": containers.CAUSES,
    "Access": access.CAUSES,
    "Network": network.CAUSES,
    "Capacity and quotas": capacity.CAUSES,
    "Placement": placement.CAUSES,
}
"""By headline, in the order in which they are asked."""


def of_words(text: str) -> Cause | None:
    """Return what AWS's words mean, None if nobody knows."""
    return first(tuple(cause for causes in AWS.values() for cause in causes), text)
