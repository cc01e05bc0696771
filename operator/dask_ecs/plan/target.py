"""What a cluster's things are called and marked with, whatever there is of them yet."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from dask_ecs.plan import names

if TYPE_CHECKING:
    from dask_ecs.api.daskcluster import DaskCluster
    from dask_ecs.plan.settings import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """A cluster in the operator's eyes: all that follows from the object and the settings alone."""

    cluster: DaskCluster
    settings: Settings

    @property
    def region(self) -> str:
        """The AWS region: a given ECS cluster's; frozen by the first status, so that a changed default moves nobody."""
        spec = self.cluster.spec
        given = spec.region or (spec.cluster_arn.split(":")[3] if spec.cluster_arn else None)
        return given or self.cluster.status.region or self.settings.default_region

    @property
    def image(self) -> str:
        """The image of both roles."""
        default = self.settings.default_gpu_image if self.cluster.spec.worker.gpu else self.settings.default_image
        return self.cluster.spec.image or default

    @property
    def started_by(self) -> str:
        """What marks this cluster's tasks."""
        return names.started_by(install=self.settings.install, uid=self.cluster.metadata.uid)

    @property
    def own_tags(self) -> dict[str, str]:
        """The tags by which a thing is known to be this cluster's, and may be deleted."""
        return {"ecs.dask.org/install": self.settings.install, "ecs.dask.org/uid": self.cluster.metadata.uid}

    @property
    def tags(self) -> dict[str, str]:
        """All tags of what is made for this cluster: the user's, and ours, which win."""
        metadata = self.cluster.metadata
        ours = {"ecs.dask.org/namespace": metadata.namespace, "ecs.dask.org/name": metadata.name}
        return {**self.cluster.spec.tags, **ours, **self.own_tags}

    @property
    def ecs_cluster_name(self) -> str:
        """The name of the ECS cluster, where one is made."""
        return self._name(limit=names.ECS_NAME)

    @property
    def security_group_name(self) -> str:
        """The name of the security group, where one is made."""
        return self._name(limit=names.SECURITY_GROUP_NAME)

    @property
    def execution_role_name(self) -> str:
        """The name of the execution role, where one is made."""
        return self._name(limit=names.IAM_ROLE_NAME, suffix="-execution")

    @property
    def task_role_name(self) -> str:
        """The name of the task role, where one is made."""
        return self._name(limit=names.IAM_ROLE_NAME, suffix="-task")

    @property
    def family_prefix(self) -> str:
        """What the families of this cluster's task definitions, and no others, begin with."""
        return self._name(limit=names.ECS_NAME, suffix="-", room=len("scheduler-") + names.HASH_LENGTH)

    def _name(self, *, limit: int, suffix: str = "", room: int = 0) -> str:
        metadata = self.cluster.metadata
        prefix = names.cluster_prefix(
            install=self.settings.install,
            namespace=metadata.namespace,
            name=metadata.name,
            uid=metadata.uid,
            limit=limit - len(suffix) - room,
        )
        return prefix + suffix
