"""What a cluster's things are called and marked with, whatever there is of them yet."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from dask_ecs.api.spec_rules import DEFAULT_LOG_GROUP
from dask_ecs.plan import names

if TYPE_CHECKING:
    from dask_ecs.api.daskcluster import DaskCluster
    from dask_ecs.plan.observed import Role
    from dask_ecs.plan.settings import Settings


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """A cluster in the operator's eyes: all that follows from the object and the settings alone."""

    cluster: DaskCluster
    settings: Settings
    worked_out: dict[Any, Any] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    """What functions `of_spec` have worked out; to be handed on as long as spec and settings are the same."""

    @property
    def region(self) -> str:
        """The AWS region: a given ECS cluster's; frozen by the first status, so that a changed default moves nobody."""
        return self.cluster.spec.named_region or self.cluster.status.region or self.settings.default_region

    def image_of(self, role: Role) -> str:
        """Return a role's image; where none is named, one for GPUs if the workers run it on some, else Dask's.

        Scheduler and workers need the same versions of Dask, so by default they have the same image.
        """
        spec = self.cluster.spec
        given = spec.scheduler.image if role == "scheduler" else spec.worker.image
        on_gpus = spec.worker.gpu and not spec.worker.image
        default = self.settings.default_gpu_image if on_gpus else self.settings.default_image
        return given or spec.image or default

    @property
    def has_tls(self) -> bool:
        """Whether the cluster gets a certificate."""
        return self.cluster.spec.has_tls

    @property
    def started_by(self) -> str:
        """What marks this cluster's tasks."""
        return names.started_by(install=self.settings.install, uid=self.cluster.metadata.uid)

    @property
    def install_tags(self) -> dict[str, str]:
        """The tags by which a thing is known to be made by this operator, whoever uses it."""
        return {"ecs.dask.org/install": self.settings.install}

    @property
    def own_tags(self) -> dict[str, str]:
        """The tags by which a thing that was made is known to be this cluster's, or its namespace's, to delete."""
        metadata = self.cluster.metadata
        if not self.cluster.spec.is_isolated:
            return {**self.install_tags, "ecs.dask.org/namespace": metadata.namespace}
        return {**self.install_tags, "ecs.dask.org/uid": metadata.uid}

    @property
    def log_group_tags(self) -> dict[str, str]:
        """The tags of a log group that is made: the default one is everybody's, others go with their namespace."""
        if self.cluster.spec.logs.group == DEFAULT_LOG_GROUP:
            return self.install_tags
        return {**self.install_tags, "ecs.dask.org/namespace": self.cluster.metadata.namespace}

    @property
    def made_tags(self) -> dict[str, str]:
        """All tags of what is made besides tasks: what others use too carries nothing of this cluster."""
        return self.tags if self.cluster.spec.is_isolated else self.own_tags

    @property
    def tags(self) -> dict[str, str]:
        """All tags of this cluster's tasks: the user's, and ours, which win."""
        metadata = self.cluster.metadata
        ours = {
            "ecs.dask.org/install": self.settings.install,
            "ecs.dask.org/namespace": metadata.namespace,
            "ecs.dask.org/name": metadata.name,
            "ecs.dask.org/uid": metadata.uid,
        }
        return {**self.cluster.spec.tags, **ours}

    def made_name(self, *suffixes: str, limit: int) -> str:
        """Return the name of a thing that is made for the namespace or, isolated, for this cluster alone."""
        metadata = self.cluster.metadata
        suffix = "".join(f"-{part}" for part in suffixes)
        if not self.cluster.spec.is_isolated:
            return names.of_namespace(
                install=self.settings.install, namespace=metadata.namespace, suffix=suffix, limit=limit
            )
        return names.of_cluster(
            install=self.settings.install,
            namespace=metadata.namespace,
            name=metadata.name,
            uid=metadata.uid,
            suffix=suffix,
            limit=limit,
        )


def of_spec(
    work_out: Callable[Concatenate[Target, Arguments], Result],
) -> Callable[Concatenate[Target, Arguments], Result]:
    """Let a function work out but once what follows from spec, settings and names; it may read no status."""

    @functools.wraps(work_out)
    def once(target: Target, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        key = (work_out, *args, *kwargs.items())
        if key not in target.worked_out:
            target.worked_out[key] = work_out(target, *args, **kwargs)
        result: Result = target.worked_out[key]
        return result

    return once
