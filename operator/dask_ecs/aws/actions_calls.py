"""Which operations stand behind an action: for those who want to know before anything is asked of AWS."""

from typing import Any

from dask_ecs.aws import operations
from dask_ecs.aws.operations import Operation
from dask_ecs.plan import actions, capacity_actions, tls
from dask_ecs.plan.action import Action

_NETWORK = (operations.DESCRIBE_VPCS, operations.DESCRIBE_SUBNETS, operations.DESCRIBE_ROUTE_TABLES)

CALLS: dict[type[Action[Any]], tuple[Operation, ...]] = {
    actions.IdentifyAccount: (operations.GET_CALLER_IDENTITY,),
    actions.ResolveNetwork: _NETWORK,
    actions.UseEcsCluster: (operations.DESCRIBE_CLUSTERS,),
    actions.EnsureEcsCluster: (operations.DESCRIBE_CLUSTERS, operations.CREATE_CLUSTER),
    actions.AssociateCapacityProviders: (
        operations.DESCRIBE_CLUSTERS,
        operations.DESCRIBE_CAPACITY_PROVIDERS,
        operations.PUT_CLUSTER_CAPACITY_PROVIDERS,
    ),
    actions.EnsureRole: (operations.GET_ROLE, operations.CREATE_ROLE, operations.PUT_ROLE_POLICY),
    actions.EnsureSecurityGroup: (
        operations.DESCRIBE_SECURITY_GROUPS,
        operations.CREATE_SECURITY_GROUP,
        operations.AUTHORIZE_INGRESS,
    ),
    actions.EnsureLogGroup: (operations.CREATE_LOG_GROUP, operations.PUT_RETENTION_POLICY),
    actions.RegisterTaskDefinition: (operations.LIST_TASK_DEFINITIONS, operations.REGISTER_TASK_DEFINITION),
    actions.UseTaskDefinition: (operations.DESCRIBE_TASK_DEFINITION,),
    actions.RunTasks: (operations.RUN_TASK,),
    tls.EnsureCertificate: (operations.GET_SECRET_VALUE, operations.CREATE_SECRET),
    capacity_actions.DescribeInstanceTypes: (operations.DESCRIBE_INSTANCE_TYPES,),
    capacity_actions.EnsureInstanceProfile: (
        operations.GET_INSTANCE_PROFILE,
        operations.CREATE_INSTANCE_PROFILE,
        operations.ADD_ROLE_TO_INSTANCE_PROFILE,
    ),
    capacity_actions.EnsureLaunchTemplate: (operations.DESCRIBE_LAUNCH_TEMPLATES, operations.CREATE_LAUNCH_TEMPLATE),
    capacity_actions.EnsureAutoScalingGroup: (
        operations.DESCRIBE_AUTO_SCALING_GROUPS,
        operations.CREATE_AUTO_SCALING_GROUP,
    ),
    capacity_actions.SizeAutoScalingGroup: (operations.UPDATE_AUTO_SCALING_GROUP,),
    capacity_actions.EnsureCapacityProvider: (
        operations.DESCRIBE_CAPACITY_PROVIDERS,
        operations.CREATE_CAPACITY_PROVIDER,
    ),
}


def calls(action: Action[Any]) -> tuple[Operation, ...]:
    """Return what is called for an action, in this order; for a role or group that is there already it is less."""
    found = CALLS.get(type(action), ())
    if isinstance(action, actions.EnsureRole) and not action.inline_policy:
        found = tuple(each for each in found if each is not operations.PUT_ROLE_POLICY)
    if isinstance(action, actions.EnsureRole) and action.attached_policies:
        found = (*found, operations.ATTACH_ROLE_POLICY)
    return found
