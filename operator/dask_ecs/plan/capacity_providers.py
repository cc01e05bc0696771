"""Over which capacity providers a role's tasks are spread.

ECS reads base and weight anew at each RunTask, which runs ten tasks at most. So that they hold for all tasks of a role,
the shares are reckoned here, and each call names one provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from dask_ecs.api.launch_rules import FARGATE_PROVIDERS
from dask_ecs.api.task_launch import CapacityProviderStrategyItem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dask_ecs.api.spec import DaskClusterSpec
    from dask_ecs.plan.observed import Role

_Provider = TypeVar("_Provider", str, str | None)

_SPOT = (CapacityProviderStrategyItem(capacity_provider="FARGATE_SPOT", weight=1),)


def strategy(spec: DaskClusterSpec, role: Role) -> tuple[CapacityProviderStrategyItem, ...]:
    """Return over which capacity providers the tasks of a role are spread; none: they run by launch type."""
    if role == "worker" and spec.worker.spot and spec.launch_type_of("worker") == "FARGATE":
        return _SPOT
    return spec.role(role).capacity_provider_strategy


def of_made_cluster(spec: DaskClusterSpec) -> tuple[str, ...]:
    """Return the capacity providers that an ECS cluster needs that is made; what is given is not changed."""
    if spec.cluster_arn:
        return ()
    # Both, whichever is used: so all clusters of a namespace ask for the same.
    return FARGATE_PROVIDERS if any(strategy(spec, role) for role in spec.roles) else ()


def shares(strategy: Sequence[CapacityProviderStrategyItem], tasks: int) -> dict[str, int]:
    """Return how many of so many tasks each provider runs: its base first, the rest by weight, rounded fairly."""
    found = {item.capacity_provider: min(item.base, tasks) for item in strategy}
    rest = tasks - sum(found.values())
    # One that stands alone runs all, whatever its weight.
    weights = {item.capacity_provider: item.weight or int(len(strategy) == 1) for item in strategy}
    total = sum(weights.values())
    for provider, weight in weights.items():
        found[provider] += rest * weight // total
    # What is left over goes to those of which most was cut off.
    cut_off = sorted(weights, key=lambda provider: -(rest * weights[provider] % total))
    for provider in cut_off[: tasks - sum(found.values())]:
        found[provider] += 1
    return found


def lacking(
    strategy: Sequence[CapacityProviderStrategyItem], *, wanted: int, actual: Mapping[str | None, int], most: int
) -> dict[str, int]:
    """Return which providers are to run how many more tasks, `most` in all, for the shares of `wanted` tasks."""
    return _first(
        {provider: share - actual.get(provider, 0) for provider, share in shares(strategy, wanted).items()}, most=most
    )


def surplus(
    strategy: Sequence[CapacityProviderStrategyItem], *, wanted: int, actual: Mapping[str | None, int], most: int
) -> dict[str | None, int]:
    """Return of which providers how many tasks are too many, `most` in all; those of no strategy go first."""
    shared = shares(strategy, wanted)
    too_many = {provider: count - shared.get(provider or "", 0) for provider, count in actual.items()}
    return _first(dict(sorted(too_many.items(), key=lambda found: (found[0] in shared, found[0] or ""))), most=most)


def _first(counts: Mapping[_Provider, int], *, most: int) -> dict[_Provider, int]:
    found: dict[_Provider, int] = {}
    for provider, count in counts.items():
        if (taken := min(count, most - sum(found.values()))) > 0:
            found[provider] = taken
    return found
