"""What the status tells of what was done: after a restart nothing is asked of AWS that it has answered before.

Roles and task definitions are named by what they hold, so the same name is the same thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dask_ecs.plan import actions, bindings

if TYPE_CHECKING:
    from dask_ecs.api.status import DaskClusterStatus
    from dask_ecs.plan.action import Action


def recall(status: DaskClusterStatus, action: Action[Any]) -> Any:
    """Return what came of an action, None if the status does not tell."""
    match action:
        case actions.IdentifyAccount():
            return status.account_id
        case actions.ResolveNetwork() if action.frozen and action.frozen.vpc_cidrs:
            return action.frozen
        case actions.EnsureLogGroup() if status.log_group == action.name:
            return action.name
        case actions.EnsureRole():
            arns = (status.roles.execution, status.roles.task)
            return next((arn for arn in arns if arn and arn.endswith(f"/{action.name}")), None)
        case actions.RegisterTaskDefinition():
            return status.task_definitions.of_family(action.name)
        case actions.FindEcsCluster():
            return status.cluster_arn
        case bindings.EnsureObject():
            return bindings.last_written(status, action.kind)
    return None
