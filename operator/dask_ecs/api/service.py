"""How what runs in Kubernetes finds a cluster: its Service."""

from dask_ecs.api.model import Model


class Service(Model):
    """A Kubernetes Service of the cluster's name with -scheduler behind it, which leads to the scheduler."""

    enabled: bool = False
    """Whether there is one; pods find the scheduler by its name, also after the scheduler has moved."""
