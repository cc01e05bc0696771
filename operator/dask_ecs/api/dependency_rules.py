"""What sidecars may wait for before they start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dask_ecs.api.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from dask_ecs.api.sidecar import Dependency
    from dask_ecs.api.spec import Scheduler, Worker
    from dask_ecs.api.status import Role

MOST_SIDECARS = 5
"""Of a role."""


def dependency_rules(role: Role) -> tuple[Rule, ...]:
    """Return the rules on a role for what its sidecars depend on (ECS API reference, ContainerDependency)."""

    def refused(*, if_: str, by: Callable[[Dependency, Scheduler | Worker], bool], message: str) -> Rule:
        """Return the rule that no dependency is what `if_` (CEL, of `on`) and `by` say."""
        return Rule(
            cel="!has(self.sidecars)"
            f" || !self.sidecars.exists(it, has(it.dependsOn) && it.dependsOn.exists(on, {if_}))",
            holds=lambda it: not any(by(on, it) for sidecar in it.sidecars for on in sidecar.depends_on),
            message=message,
            field=".sidecars",
        )

    # A scheduler has a health check in any case.
    without_check = "self.sidecars.exists(other, other.name == on.containerName && !has(other.healthCheck))"
    if role == "worker":
        without_check = f"(on.containerName == 'worker' ? !has(self.healthCheck) : {without_check})"
    return (
        refused(
            if_=f"on.containerName != '{role}' && !self.sidecars.exists(other, other.name == on.containerName)",
            by=lambda on, it: on.container_name not in (role, *(other.name for other in it.sidecars)),
            message=f"dependsOn names a container that the task does not have: name a sidecar of the {role}, or {role}",
        ),
        refused(
            if_=f"on.containerName == '{role}' && on.condition in ['COMPLETE', 'SUCCESS']",
            by=lambda on, _: on.container_name == role and on.condition in ("COMPLETE", "SUCCESS"),
            message=f"the task ends with its container {role}, so nothing can wait for that to end: wait for START or "
            "HEALTHY",
        ),
        refused(
            if_=f"on.condition == 'HEALTHY' && {without_check}",
            by=lambda on, it: on.condition == "HEALTHY" and on.container_name in _without_check(role, it),
            message="HEALTHY waits for a container's health check, and this one has none: give it a healthCheck, or "
            "wait for START",
        ),
        Rule(
            cel=f"!has(self.sidecars) || !self.sidecars.exists(it, has(it.dependsOn)) || {_ALL_START}",
            holds=_all_start,
            message="sidecars that wait for each other, or for themselves, never start: remove a dependsOn",
            field=".sidecars",
        ),
    )


def _without_check(role: Role, it: Scheduler | Worker) -> set[str]:
    names = {sidecar.name for sidecar in it.sidecars if sidecar.health_check is None}
    return names | {role} if role == "worker" and it.health_check is None else names


# Those that wait for one that waits, and so on: who waits still after as many rounds as there are sidecars, waits in a
# circle. A map over a list of one stands for a variable.
_STILL_WAITING = (
    ".map(waiting, self.sidecars.filter(it, has(it.dependsOn) && it.dependsOn.exists(on, on.containerName in waiting))"
    ".map(it, it.name))"
)
_ALL_START = f"[self.sidecars.map(it, it.name)]{_STILL_WAITING * MOST_SIDECARS}.all(waiting, waiting.size() == 0)"


def _all_start(it: Scheduler | Worker) -> bool:
    waiting = {sidecar.name for sidecar in it.sidecars}
    for _ in range(MOST_SIDECARS):
        waiting = {
            sidecar.name for sidecar in it.sidecars if any(on.container_name in waiting for on in sidecar.depends_on)
        }
    return not waiting
