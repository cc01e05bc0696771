"""On what tasks run: by launch type, or by capacity provider strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .capacity_providers import FARGATE_PROVIDERS, is_available, manages_instances
from .errors import InvalidParameterException

if TYPE_CHECKING:
    from .model import Cluster, EcsState


def strategy_for(
    state: EcsState, cluster: Cluster, parameters: dict[str, Any], count: int
) -> list[tuple[str, str | None]]:
    """Return launch type and capacity provider for each of `count` tasks; raise InvalidParameterException."""
    launch_type, strategy = parameters.get("launchType"), parameters.get("capacityProviderStrategy")
    if launch_type and strategy:
        raise InvalidParameterException(
            "Specifying both a launch type and capacity provider strategy is not supported."
        )
    if launch_type:
        return [(launch_type, None)] * count
    strategy = strategy or cluster.default_strategy
    if not strategy:
        return [("EC2", None)] * count
    _check(state, cluster, strategy)
    return [(_launch_type(state, name), name) for name in _spread(strategy, count)]


def _launch_type(state: EcsState, provider: str) -> str:
    if manages_instances(state, provider):
        return "MANAGED_INSTANCES"
    return "FARGATE" if provider in FARGATE_PROVIDERS else "EC2"


def _check(state: EcsState, cluster: Cluster, strategy: list[dict[str, Any]]) -> None:
    """Raise InvalidParameterException for what CapacityProviderStrategyItem in the ECS API reference rules out."""
    if len(strategy) > 20:
        raise InvalidParameterException("A capacity provider strategy cannot contain more than 20 capacity providers.")
    names = [item["capacityProvider"] for item in strategy]
    if not all(is_available(state, cluster, name) for name in names):
        raise InvalidParameterException(
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with"
            " the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and"
            " try again."
        )
    if len({name in FARGATE_PROVIDERS for name in names}) > 1:
        raise InvalidParameterException(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and"
            " Fargate providers."
        )
    if sum(item.get("base", 0) > 0 for item in strategy) > 1:
        raise InvalidParameterException("Only one capacity provider in a strategy can have a base defined.")


def _spread(strategy: list[dict[str, Any]], count: int) -> list[str]:
    chosen: list[str] = []
    for item in strategy:
        chosen += [item["capacityProvider"]] * min(item.get("base", 0), count - len(chosen))
    # ECS reads an absent weight as 0 in a list and as 1 where a provider stands alone.
    weights = {item["capacityProvider"]: item.get("weight", 1 if len(strategy) == 1 else 0) for item in strategy}
    if count > len(chosen) and not any(weights.values()):
        raise InvalidParameterException("The capacity provider strategy must have a weight above 0.")
    given = dict.fromkeys(weights, 0)
    for _ in range(count - len(chosen)):
        name = min((name for name in weights if weights[name]), key=lambda each: (given[each] + 1) / weights[each])
        given[name] += 1
        chosen.append(name)
    return chosen
