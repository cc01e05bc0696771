"""The table at the end: how long it took, and what AWS was asked."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dask_ecs.local.demo.errors import check

_OPERATOR = "app/dask-ecs-operator"
"""What the operator's calls have in their User-Agent, and the demo's own have not."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one cluster's life: seconds, and the operator's calls by operation."""

    first_run_task: float
    """From apply to the first RunTask that AWS carried out."""

    ready: float
    """From apply to Ready."""

    gone: float
    """From delete to the object's end."""

    calls: Mapping[str, int]


def figures(call_log: Iterable[Mapping[str, Any]], *, applied_at: float, ready: float, gone: float) -> Figures:
    """Read them off the local AWS's ``call_log``; ``applied_at`` is in seconds since the epoch.

    Raises :class:`DemoError` when the operator has run no task.
    """
    calls = [call for call in call_log if _OPERATOR in call["user_agent"]]
    run = [call["at"] for call in calls if call["operation"] == "ecs:RunTask" and not call["outcome"]]
    check(bool(run), "AWS knows of no task that the operator has run")
    return Figures(
        first_run_task=min(run) - applied_at,
        ready=ready,
        gone=gone,
        calls=Counter(call["operation"] for call in calls),
    )


def table(columns: Mapping[str, Figures]) -> Sequence[Sequence[str]]:
    """Return a table with a column for each cluster."""
    all_figures = list(columns.values())
    seconds = {
        "apply to first RunTask": [each.first_run_task for each in all_figures],
        "apply to Ready": [each.ready for each in all_figures],
        "delete to nothing left": [each.gone for each in all_figures],
    }
    rows = [["", *columns]]
    rows += [[what, *(f"{value:.1f} s" for value in values)] for what, values in seconds.items()]
    rows.append(["AWS calls, from apply to the end", *(str(sum(each.calls.values())) for each in all_figures)])
    total = Counter[str]()
    for each in all_figures:
        total.update(each.calls)
    for operation, _ in total.most_common():
        rows.append([f"  {operation}", *(str(each.calls.get(operation, 0)) for each in all_figures)])
    return rows
