"""Which calls of RunTask the missing tasks of a role take: of identical tasks up to ten a call."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from typing import TYPE_CHECKING

from dask_ecs.plan import capacity_providers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Set

    from dask_ecs.api.spec import DaskClusterSpec, Naming
    from dask_ecs.plan.observed import Launch, Role, Task

# AWS: "RunTask": at most ten tasks a call.
MOST_TASKS_A_CALL = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class Batch:
    """Identical tasks of one call."""

    count: int
    capacity_provider: str | None = None
    """None: they run by launch type."""
    worker_name: str | None = None
    """None: workers are alike, and Dask names them."""


def of_missing(
    spec: DaskClusterSpec, role: Role, missing: int, *, live: Sequence[Task], pending: Mapping[Launch, int]
) -> list[Batch]:
    """Return how so many tasks are run beside the live ones of the role, and those on their way by launches."""
    counts = _on_providers(spec, role, missing, live=live, pending=pending)
    return [batch for provider, count in counts.items() for batch in _calls(provider, count)]


def of_named(batches: Iterable[Batch], naming: Naming, *, taken: Set[str], leaving: Set[str]) -> list[Batch]:
    """Return the same for workers with names: one call each, the first names that are not taken.

    A name whose worker is leaving is waited for: until it has left, its scheduler gives the name to nobody else.
    """
    numbers = itertools.count(naming.start, naming.step)
    names = (name for number in numbers if (name := str(number)) not in taken)
    named = [
        dataclasses.replace(batch, count=1, worker_name=next(names)) for batch in batches for _ in range(batch.count)
    ]
    return [batch for batch in named if batch.worker_name not in leaving]


def _on_providers(
    spec: DaskClusterSpec, role: Role, missing: int, *, live: Sequence[Task], pending: Mapping[Launch, int]
) -> Mapping[str, int] | Mapping[None, int]:
    strategy = capacity_providers.strategy(spec, role)
    if not strategy:
        return {None: missing}
    actual = by_provider(live)
    for launch, count in pending.items():
        actual[launch.capacity_provider] += count
    wanted = sum(actual.values()) + missing
    return capacity_providers.lacking(strategy, wanted=wanted, actual=actual, most=missing)


def by_provider(tasks: Iterable[Task]) -> collections.Counter[str | None]:
    """Return how many tasks run on each capacity provider."""
    return collections.Counter(task.capacity_provider for task in tasks)


def _calls(provider: str | None, count: int) -> Iterable[Batch]:
    for start in range(0, count, MOST_TASKS_A_CALL):
        yield Batch(count=min(MOST_TASKS_A_CALL, count - start), capacity_provider=provider)
