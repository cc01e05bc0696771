"""What the fields that say how tasks are launched demand of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dask_ecs.api.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dask_ecs.api.spec import DaskClusterSpec, Worker
    from dask_ecs.api.task_launch import CapacityProviderStrategyItem, PlacementConstraint, PlacementStrategy

RoleName = Literal["scheduler", "worker"]

# Amazon ECS developer guide, "Amazon ECS clusters for Fargate": these two are there in every region.
FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")


def launch_type_cel(role: RoleName) -> str:
    """Return the CEL expression, on the spec, for the launch type that a role has."""
    return f"self.{role}.?launchType.orValue(self.launchType)"


def _base_stands_once(strategy: Sequence[CapacityProviderStrategyItem]) -> bool:
    return sum(item.base > 0 for item in strategy) <= 1


BASE_STANDS_ONCE = Rule(
    cel="self.filter(item, item.?base.orValue(0) > 0).size() <= 1",
    holds=_base_stands_once,
    message="only one capacity provider of a strategy can have a base: remove the others'",
)


def _weights_place_tasks(strategy: Sequence[CapacityProviderStrategyItem]) -> bool:
    return len(strategy) < 2 or any(item.weight > 0 for item in strategy)


WEIGHTS_PLACE_TASKS = Rule(
    cel="self.size() < 2 || self.exists(item, item.?weight.orValue(0) > 0)",
    holds=_weights_place_tasks,
    message="no capacity provider of this strategy would get tasks beyond the base: give one a weight above 0",
)


def _constraint_has_its_expression(constraint: PlacementConstraint) -> bool:
    return (constraint.type == "memberOf") == (constraint.expression is not None)


CONSTRAINT_HAS_ITS_EXPRESSION = Rule(
    cel="(self.type == 'memberOf') == has(self.expression)",
    holds=_constraint_has_its_expression,
    message="memberOf needs an expression and distinctInstance takes none: "
    "write one as attribute:ecs.instance-type =~ g5.*, or remove it",
    field=".expression",
)


def _strategy_has_its_field(strategy: PlacementStrategy) -> bool:
    if strategy.type == "binpack":
        return strategy.field in ("cpu", "memory")
    return (strategy.type == "random") == (strategy.field is None)


STRATEGY_HAS_ITS_FIELD = Rule(
    cel="self.type == 'binpack' ? self.?field.orValue('') in ['cpu', 'memory']"
    " : (self.type == 'random') == !has(self.field)",
    holds=_strategy_has_its_field,
    message="random takes no field, binpack takes cpu or memory, "
    "spread takes instanceId, host or an attribute as attribute:ecs.availability-zone",
    field=".field",
)


def _fits_launch_type(role: RoleName) -> Rule:
    def holds(spec: DaskClusterSpec) -> bool:
        fargate = spec.launch_type_of(role) == "FARGATE"
        strategy = spec.role(role).capacity_provider_strategy
        return all((item.capacity_provider in FARGATE_PROVIDERS) == fargate for item in strategy)

    return Rule(
        cel=f"!has(self.{role}.capacityProviderStrategy) || self.{role}.capacityProviderStrategy.all(item,"
        f" (item.capacityProvider in {list(FARGATE_PROVIDERS)}) == ({launch_type_cel(role)} == 'FARGATE'))",
        holds=holds,
        message="FARGATE and FARGATE_SPOT are for launchType FARGATE, all other capacity providers for EC2: "
        f"set {role}.launchType to what these are",
        field=f".{role}.capacityProviderStrategy",
    )


def _is_placed_on_instances(role: RoleName) -> Rule:
    def holds(spec: DaskClusterSpec) -> bool:
        launch = spec.role(role)
        on_instances = spec.launch_type_of(role) == "EC2"
        return on_instances or not (launch.placement_constraints or launch.placement_strategy)

    given = " || ".join(
        f"self.{role}.?{field}.orValue([]).size() > 0" for field in ("placementConstraints", "placementStrategy")
    )
    return Rule(
        cel=f"!({given}) || {launch_type_cel(role)} == 'EC2'",
        holds=holds,
        message="Fargate has no instances to place tasks on: remove placementConstraints and placementStrategy, "
        f"or set {role}.launchType: EC2",
        field=f".{role}",
    )


def _spot_stands_alone(worker: Worker) -> bool:
    return not (worker.spot and worker.capacity_provider_strategy)


SPOT_STANDS_ALONE = Rule(
    cel="!self.?spot.orValue(false) || self.?capacityProviderStrategy.orValue([]).size() == 0",
    holds=_spot_stands_alone,
    message="spot is short for a capacityProviderStrategy of FARGATE_SPOT alone: remove one of the two",
    field=".spot",
)


def _spot_is_not_of_a_given_cluster(spec: DaskClusterSpec) -> bool:
    return not (spec.worker.spot and spec.launch_type_of("worker") == "EC2" and spec.cluster_arn)


def _given_groups_stay_closed(spec: DaskClusterSpec) -> bool:
    return not (spec.scheduler.security_groups and spec.network.allowed_cidrs)


def _service_is_of_an_own_scheduler(spec: DaskClusterSpec) -> bool:
    return not (spec.scheduler.address and spec.service.enabled)


LAUNCH_RULES = (
    _fits_launch_type("scheduler"),
    _fits_launch_type("worker"),
    _is_placed_on_instances("scheduler"),
    _is_placed_on_instances("worker"),
    Rule(
        cel=f"!self.worker.?spot.orValue(false) || {launch_type_cel('worker')} != 'EC2' || !has(self.clusterArn)",
        holds=_spot_is_not_of_a_given_cluster,
        message="which instances of a given ECS cluster are Spot is that cluster's matter: remove spot, and name its "
        "Spot capacity provider in worker.capacityProviderStrategy",
        field=".worker.spot",
    ),
    Rule(
        cel="self.scheduler.?securityGroups.orValue([]).size() == 0"
        " || self.?network.?allowedCidrs.orValue([]).size() == 0",
        holds=_given_groups_stay_closed,
        message="allowedCidrs opens the scheduler in the security group that is made, and with "
        "scheduler.securityGroups it is in none: remove allowedCidrs and open the given groups yourself",
        field=".network.allowedCidrs",
    ),
    Rule(
        cel="!has(self.scheduler.address) || !self.?service.?enabled.orValue(false)",
        holds=_service_is_of_an_own_scheduler,
        message="a Service leads to a scheduler that the operator runs: remove service, or scheduler.address",
        field=".service.enabled",
    ),
)
