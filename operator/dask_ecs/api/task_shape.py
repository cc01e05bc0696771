"""What scheduler and workers have alike: the shape of their tasks, one role's apart from the other's."""

from dask_ecs.api.container import Environment, Secrets
from dask_ecs.api.fields import Image
from dask_ecs.api.model import Model


class TaskShape(Model):
    """The shape of one role's tasks."""

    image: Image | None = None
    """Container image of this role alone; by default spec.image."""

    environment: Environment = ()
    """Environment variables of this role alone; they win over spec.environment and spec.secrets."""

    secrets: Secrets = ()
    """Environment variables of this role alone whose values ECS reads from Secrets Manager or Parameter Store; they win
    over all others of the same name. The operator's settings must admit them."""
