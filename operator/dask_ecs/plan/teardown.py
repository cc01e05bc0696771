"""The end of a cluster: nothing desired, everything that was made gone, in the order that AWS demands."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from dask_ecs.plan import actions, launch, tasks
from dask_ecs.plan.action import Action
from dask_ecs.plan.observed import Observed
from dask_ecs.plan.target import Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Teardown:
    """What to do next, when to look again, and whether all is gone."""

    todo: tuple[Action[Any], ...] = ()
    wake_at: tuple[datetime.datetime, ...] = ()
    waits_for: str = ""
    done: bool = False


def plan(target: Target, observed: Observed, *, now: datetime.datetime) -> Teardown:
    """Return the next step of the teardown: tasks first, then what they used."""
    find = find_ecs_cluster(target)
    ecs_cluster = observed.known.answer(find)
    if ecs_cluster is None:
        return Teardown(todo=(find,), waits_for="the ECS cluster to be found")
    if ecs_cluster:  # an empty ARN: there is none, so there are no tasks
        if observed.tasks is None:
            return Teardown(waits_for="the tasks to be listed")
        todo = tasks.stop_all(observed, ecs_cluster=ecs_cluster, why="the DaskCluster is deleted")
        wake_at = []
        for entry in observed.launches:
            if action := launch.resolve(entry, observed, request=None, now=now):
                todo.append(action)
            else:
                wake_at.append(entry.written_at + launch.UNSEEN_FOR)
        alive = sum(not task.is_stopped for task in observed.tasks)
        if alive or observed.launches:
            waits_for = f"{alive} tasks to stop" if alive else "a launch of unknown outcome to show its tasks"
            return Teardown(todo=tuple(todo), wake_at=tuple(wake_at), waits_for=waits_for)
    left = [action for action in _deletions(target) if observed.known.answer(action) is None]
    names = ", ".join(str(action).removeprefix("delete ").removeprefix("deregister ") for action in left)
    return Teardown(todo=tuple(left), waits_for=names, done=not left)


def find_ecs_cluster(target: Target) -> actions.FindEcsCluster:
    """Return the look-up of the ECS cluster whose tasks have to go."""
    return actions.FindEcsCluster(cluster=target.cluster.spec.cluster_arn or target.ecs_cluster_name)


def _deletions(target: Target) -> list[Action[Any]]:
    """Return the deletion of all that was made; what the user gave is not even looked at: that may be forbidden."""
    spec, made = target.cluster.spec, target.cluster.status
    todo: list[Action[Any]] = [actions.DeregisterTaskDefinitions(family_prefix=target.family_prefix)]
    made_roles = {arn.rsplit("/", 1)[-1] for arn in made.made_roles}
    roles: tuple[tuple[Any, str, str | None], ...] = (
        ("executionRole", target.execution_role_name, spec.iam.execution_role_arn),
        ("taskRole", target.task_role_name, spec.iam.task_role_arn),
    )
    todo += [
        actions.DeleteRole(subject=subject, name=name, tags=target.own_tags)
        for subject, name, given in roles
        if not given or name in made_roles
    ]
    if not spec.network.security_groups or made.security_group_id:
        todo.append(actions.DeleteSecurityGroup(name=target.security_group_name, tags=target.own_tags))
    if not spec.cluster_arn:
        todo.append(actions.DeleteEcsCluster(name=target.ecs_cluster_name, tags=target.own_tags))
    return todo
