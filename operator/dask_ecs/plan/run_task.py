"""What the spec says of how a role's tasks are run, in RunTask's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dask_ecs.plan import capacity_providers

if TYPE_CHECKING:
    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.observed import EcsCluster, Role


def options(
    spec: DaskClusterSpec, role: Role, *, ecs_cluster: EcsCluster, capacity_provider: str | None = None
) -> dict[str, Any]:
    """Return the parameters that choose the capacity and the instances, and those that are switches.

    `capacity_provider` is that of the instances that are brought for the role.
    """
    wanted, fargate = spec.role(role), spec.launch_type_of(role) == "FARGATE"
    found: dict[str, Any] = {"platformVersion": spec.platform_version} if fargate else {}
    # AWS: "RunTask": a launch type or a strategy; which provider of the strategy, each launch says for itself.
    if capacity_provider:
        found["capacityProviderStrategy"] = [{"capacityProvider": capacity_provider, "weight": 1}]
    elif not capacity_providers.strategy(spec, role):
        if fargate:
            found["launchType"] = "FARGATE"
        # A cluster whose instances are scaled by capacity providers scales only for tasks without a launch type.
        elif not ecs_cluster.default_capacity_provider_strategy:
            found["launchType"] = "EC2"
    if wanted.placement_constraints:
        found["placementConstraints"] = [one.model_dump(exclude_none=True) for one in wanted.placement_constraints]
    if wanted.placement_strategy:
        found["placementStrategy"] = [one.model_dump(exclude_none=True) for one in wanted.placement_strategy]
    switches = {
        "propagateTags": spec.propagate_tags,
        "enableECSManagedTags": spec.enable_ecs_managed_tags,
        "enableExecuteCommand": spec.enable_execute_command,
    }
    return found | {name: value for name, value in switches.items() if value is not None}
