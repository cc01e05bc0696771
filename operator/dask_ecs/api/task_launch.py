"""How the tasks of a role are launched: on what capacity, and where among the instances of it."""

import json
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from dask_ecs.api.fields import ATOMIC, SET, CapacityProvider, SecurityGroupId, SubnetId, keyed_by
from dask_ecs.api.launch_rules import (
    BASE_STANDS_ONCE,
    CONSTRAINT_HAS_ITS_EXPRESSION,
    STRATEGY_HAS_ITS_FIELD,
    WEIGHTS_PLACE_TASKS,
)
from dask_ecs.api.model import Model
from dask_ecs.api.rules import Rule

LaunchType = Literal["FARGATE", "EC2"]


class CapacityProviderStrategyItem(Model):
    """A share of a role's tasks, for one capacity provider."""

    capacity_provider: CapacityProvider
    """Name of a capacity provider of the ECS cluster: FARGATE, FARGATE_SPOT, or one of the given cluster's own."""

    # ECS API reference, CapacityProviderStrategyItem.
    weight: Annotated[int, Field(ge=0, le=1000, json_schema_extra={"format": "int32"})] = 0
    """Share of the tasks beyond the base, relative to the weights of the others."""

    base: Annotated[int, Field(ge=0, le=100_000, json_schema_extra={"format": "int32"})] = 0
    """How many of all tasks of the role this provider runs at least; only one provider has a base."""


class PlacementConstraint(Model):
    """A rule that a container instance has to fulfil to get a task."""

    rules: ClassVar[tuple[Rule, ...]] = (CONSTRAINT_HAS_ITS_EXPRESSION,)

    type: Literal["distinctInstance", "memberOf"]
    """distinctInstance: no two tasks of a role on one instance; memberOf: only instances that the expression names."""

    # ECS API reference, PlacementConstraint.
    expression: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    """For memberOf, in ECS's cluster query language, as `attribute:ecs.instance-type =~ g5.*`."""


class PlacementStrategy(Model):
    """How tasks are distributed among the container instances that can have them."""

    rules: ClassVar[tuple[Rule, ...]] = (STRATEGY_HAS_ITS_FIELD,)

    type: Literal["random", "spread", "binpack"]
    """random; spread: evenly over the values of the field; binpack: as few instances as possible."""

    field: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """For spread instanceId, host, or an attribute as attribute:ecs.availability-zone; for binpack cpu or memory."""


# ECS API reference, RunTask: 20 capacity providers, 10 placement constraints, 5 placement strategies.
CapacityProviderStrategy = Annotated[
    tuple[CapacityProviderStrategyItem, ...],
    Field(max_length=20, json_schema_extra=keyed_by("capacityProvider")),
    BASE_STANDS_ONCE,
    WEIGHTS_PLACE_TASKS,
]


def _as_text(value: object) -> object:
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value


RunTaskParameters = Annotated[
    str,
    BeforeValidator(_as_text),
    WithJsonSchema({"type": "object", "maxProperties": 16, "x-kubernetes-preserve-unknown-fields": True}),
]
"""Of any form; read as JSON text, so that a spec stays hashable."""


class TaskLaunch(Model):
    """What RunTask is asked for a role's tasks."""

    launch_type: LaunchType | None = None
    """On what ECS runs the tasks of this role; by default spec.launchType. Immutable."""

    capacity_provider_strategy: CapacityProviderStrategy = ()
    """Over which capacity providers the tasks of this role are spread; by default none: by launch type alone. With
    launchType FARGATE of FARGATE and FARGATE_SPOT, with EC2 of the given ECS cluster's own."""

    placement_constraints: Annotated[
        tuple[PlacementConstraint, ...], Field(max_length=10, json_schema_extra=ATOMIC)
    ] = ()
    """Rules that a container instance has to fulfil to get a task of this role. launchType EC2 only."""

    placement_strategy: Annotated[tuple[PlacementStrategy, ...], Field(max_length=5, json_schema_extra=ATOMIC)] = ()
    """How the tasks of this role are distributed among the container instances. launchType EC2 only."""

    # ECS API reference, AwsVpcConfiguration: 16 subnets, 5 security groups.
    subnets: Annotated[tuple[SubnetId, ...], Field(max_length=16, json_schema_extra=SET)] = ()
    """Subnets of the tasks of this role, in the same VPC as the other's; by default as spec.network has it."""

    security_groups: Annotated[tuple[SecurityGroupId, ...], Field(max_length=5, json_schema_extra=SET)] = ()
    """Security groups of the tasks of this role; by default as spec.network has it. They have to let scheduler and
    workers reach each other at all TCP ports."""

    run_task_overrides: RunTaskParameters | None = None
    """Further parameters of ECS's RunTask for this role, as AWS writes them: group, overrides, tags and
    volumeConfigurations. What the operator sends itself wins. Roles in them must be admitted by its settings."""
