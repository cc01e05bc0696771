"""ECS as a whole: every account and region, and which function answers which operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import account_settings, capacity_providers, clusters, container_instances, tags, task_definitions, tasks
from .errors import UnsupportedFeatureException
from .model import EcsState
from .run_task import run_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..autoscaling.groups import Groups
    from ..capacity import Capacity
    from ..roles import Roles
    from ..vpc import Vpcs
    from .life import Lives
    from .task import Task

_OPERATIONS: Final[dict[str, Callable[[EcsState, dict[str, Any]], dict[str, Any]]]] = {
    "CreateCluster": clusters.create_cluster,
    "DeleteCapacityProvider": capacity_providers.delete_capacity_provider,
    "DeleteCluster": clusters.delete_cluster,
    "DeleteTaskDefinitions": task_definitions.delete_task_definitions,
    "DeregisterContainerInstance": container_instances.deregister_container_instance,
    "DeregisterTaskDefinition": task_definitions.deregister_task_definition,
    "DescribeCapacityProviders": capacity_providers.describe_capacity_providers,
    "DescribeClusters": clusters.describe_clusters,
    "DescribeContainerInstances": container_instances.describe_container_instances,
    "DescribeTaskDefinition": task_definitions.describe_task_definition,
    "DescribeTasks": tasks.describe_tasks,
    "ListAccountSettings": account_settings.list_account_settings,
    "ListClusters": clusters.list_clusters,
    "ListContainerInstances": container_instances.list_container_instances,
    "ListTagsForResource": tags.list_tags_for_resource,
    "ListTaskDefinitionFamilies": task_definitions.list_task_definition_families,
    "ListTaskDefinitions": task_definitions.list_task_definitions,
    "ListTasks": tasks.list_tasks,
    "PutAccountSetting": account_settings.put_account_setting,
    "PutAccountSettingDefault": account_settings.put_account_setting,
    "PutAttributes": container_instances.put_attributes,
    "PutClusterCapacityProviders": clusters.put_cluster_capacity_providers,
    "RegisterContainerInstance": container_instances.register_container_instance,
    "StopTask": tasks.stop_task,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateCapacityProvider": capacity_providers.update_capacity_provider,
    "UpdateCluster": clusters.update_cluster,
    "UpdateClusterSettings": clusters.update_cluster,
    "UpdateContainerInstancesState": container_instances.update_container_instances_state,
}


class Ecs:
    """Answers ECS' operations; only ever called on the event loop, so that nothing needs a lock."""

    def __init__(self, *, vpcs: Vpcs, roles: Roles, capacity: Capacity, lives: Lives, groups: Groups) -> None:
        self.vpcs = vpcs
        self.roles = roles
        self.capacity = capacity
        self.lives = lives
        self.groups = groups
        self._states: dict[tuple[str, str], EcsState] = {}

    def state(self, account: str, region: str) -> EcsState:
        """Return what ECS remembers of this account in this region."""
        key = (account, region)
        if key not in self._states:
            self._states[key] = EcsState(account=account, region=region)
        return self._states[key]

    def states(self) -> list[EcsState]:
        """Return what it remembers of each account and region."""
        return list(self._states.values())

    def tags(self, account: str, region: str, arn: str) -> dict[str, str]:
        """Return the tags of a thing, none where it is not there."""
        return tags.find(self.state(account, region), arn)

    def tasks(self) -> Iterable[tuple[EcsState, Task]]:
        """Return all tasks of all accounts and regions."""
        for state in self._states.values():
            for cluster in state.clusters.values():
                for task in cluster.tasks.values():
                    yield state, task

    async def answer(
        self, operation: str, request: dict[str, Any], *, account: str, region: str, caller: str
    ) -> dict[str, Any]:
        """Carry the operation out; raise EcsError."""
        state = self.state(account, region)
        if operation == "RunTask":
            return await run_task(self, state, request)
        if operation == "CreateCapacityProvider":
            return await capacity_providers.create_capacity_provider(state, request, self.groups)
        if operation == "RegisterTaskDefinition":
            return task_definitions.register_task_definition(state, request, caller)
        if operation not in _OPERATIONS:
            raise UnsupportedFeatureException(f"The local AWS does not know the ECS operation {operation}.")
        return _OPERATIONS[operation](state, request)
