"""Doing what is planned about instances."""

from collections.abc import Mapping
from typing import Any

from dask_ecs.aws import (
    auto_scaling_groups,
    capacity_providers,
    instance_profiles,
    instance_types,
    launch_templates,
)
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.plan import capacity_actions
from dask_ecs.plan.action import Action


async def act(aws: Aws, action: Action[Any], *, own_tags: Mapping[str, str], tell: Tell = nobody) -> Any:
    """Do one action and return what came of it; `tell` is told of what was there before and is gone.

    Raises:
        AwsError: it could not be done.

    """
    match action:
        case capacity_actions.DescribeInstanceTypes():
            return await instance_types.describe(aws, action.names)
        case capacity_actions.EnsureInstanceProfile():
            return await instance_profiles.ensure(aws, action, own_tags=own_tags, tell=tell)
        case capacity_actions.EnsureLaunchTemplate():
            return await launch_templates.ensure(aws, action, own_tags=own_tags, tell=tell)
        case capacity_actions.EnsureAutoScalingGroup():
            return await auto_scaling_groups.ensure(aws, action, own_tags=own_tags, tell=tell)
        case capacity_actions.SizeAutoScalingGroup():
            await auto_scaling_groups.size(aws, action)
        case capacity_actions.EnsureCapacityProvider():
            return await capacity_providers.ensure(aws, action, own_tags=own_tags, tell=tell)
        case capacity_actions.DeleteAutoScalingGroup():
            await auto_scaling_groups.delete(aws, name=action.name, own_tags=action.tags)
        case capacity_actions.DeleteCapacityProvider():
            await capacity_providers.delete(aws, action)
        case capacity_actions.DeleteLaunchTemplate():
            await launch_templates.delete(aws, name=action.name, own_tags=action.tags)
        case capacity_actions.DeleteInstanceProfile():
            await instance_profiles.delete(aws, name=action.name, own_tags=action.tags)
        case _:
            raise TypeError(f"nobody knows how to do {action!r}")
    return True
