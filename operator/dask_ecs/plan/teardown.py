"""The end of a cluster: nothing desired, everything that was made gone, in the order that AWS demands."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from dask_ecs.plan import actions, capacity_steps, launch, made, tasks, tls, unstoppable
from dask_ecs.plan.action import Action
from dask_ecs.plan.certificate import Certificate
from dask_ecs.plan.observed import Observed, Task
from dask_ecs.plan.problems import NeedsUser
from dask_ecs.plan.target import Target

# A nanny gives its worker some seconds to end; what Dask has not ended within this is stopped by ECS.
END_WITHIN = datetime.timedelta(seconds=15)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Teardown:
    """What to do next, when to look again, and whether all is gone."""

    todo: tuple[Action[Any], ...] = ()
    wake_at: tuple[datetime.datetime, ...] = ()
    waits_for: str = ""
    problem: NeedsUser | None = None
    """What does not end by itself."""
    done: bool = False


def plan(target: Target, observed: Observed, *, now: datetime.datetime) -> Teardown:
    """Return the next step of the teardown: tasks first, then what they used."""
    if not target.cluster.status.account_id and not observed.launches:
        return Teardown(done=True)  # nothing was ever made, and AWS may not even be there, as in a region that is none
    find = find_ecs_cluster(target)
    ecs_cluster = observed.known.answer(find)
    if ecs_cluster is None:
        return Teardown(todo=(find,), waits_for="the ECS cluster to be found")
    if ecs_cluster:  # an empty ARN: there is none, so there are no tasks
        if observed.tasks is None:
            return Teardown(waits_for="the tasks to be listed")
        todo, wake_at = end_tasks(target, observed, ecs_cluster=ecs_cluster, why="the DaskCluster is deleted", now=now)
        left_behind = unstoppable.of_tasks(target, observed, now=now)
        held_up = [task for task in left_behind if not _is_on_ours(target, task)]
        alive = sum(not task.is_stopped for task in observed.tasks) - len(left_behind) + len(held_up)
        if alive or observed.launches:
            return Teardown(
                todo=tuple(todo),
                wake_at=tuple(wake_at),
                waits_for=f"{alive} tasks to stop" if alive else "a launch of unknown outcome to show its tasks",
                problem=unstoppable.problem(held_up),
            )
    things = made.read(target.cluster.status.made)
    left = [action for action in deletions(target, things, observed) if observed.known.answer(action) is None]
    names = ", ".join(str(action).removeprefix("delete ").removeprefix("deregister ") for action in left)
    return Teardown(todo=tuple(capacity_steps.possible(left)), waits_for=names, done=not left)


def end_tasks(
    target: Target, observed: Observed, *, ecs_cluster: str, why: str, now: datetime.datetime
) -> tuple[list[Action[Any]], list[datetime.datetime]]:
    """Return what ends all tasks, those of launches of unknown outcome too, and when to look again."""
    todo, wake_at = _end_seen(target, observed, ecs_cluster=ecs_cluster, why=why, now=now)
    wake_at += unstoppable.look_at(target, observed, now=now)
    for entry in observed.launches:
        if action := launch.resolve(entry, observed, request=None, now=now):
            todo.append(action)
        else:
            wake_at.append(launch.look_again_at(entry, now=now))
    return todo, wake_at


def _end_seen(
    target: Target, observed: Observed, *, ecs_cluster: str, why: str, now: datetime.datetime
) -> tuple[list[Action[Any]], list[datetime.datetime]]:
    """Return how the tasks end: by themselves when Dask tells them to, which costs no call; the others are stopped."""
    stops = tasks.stop_all(observed, ecs_cluster=ecs_cluster, why=why)
    if external := target.cluster.spec.scheduler.address:
        certificate = tls.latest(target, observed.known)
        return _leave(external, stops, observed, ecs_cluster=ecs_cluster, certificate=certificate, why=why), []
    scheduler = next((task for task in reversed(observed.of_role("scheduler")) if task.address), None)
    if scheduler is None or "terminate" in observed.holds:
        return [*stops], []
    ask = actions.TerminateScheduler(
        scheduler_address=scheduler.address or "",
        certificate=tls.latest(target, observed.known),
        task_arn=scheduler.arn,
    )
    asked_at = observed.known.answer(ask)
    # When it was asked it ends before its workers do.
    if now - asked_at >= END_WITHIN if asked_at else not scheduler.is_running:
        return [*stops], []
    # When it has been asked, it forgets its workers before ECS tells that they have ended.
    probe = observed.probe if asked_at is None else None
    hosts = probe.identity.hosts if probe and probe.address == scheduler.address and probe.identity else None
    told = {scheduler.arn} | {
        task.arn
        for task in observed.of_role("worker")
        if task.is_running
        and task.scheduler_address == scheduler.address
        and (hosts is None or task.private_ip in hosts)
    }
    todo = [stop for stop in stops if stop.task_arn not in told]
    return ([*todo, ask], []) if asked_at is None else ([*todo], [asked_at + END_WITHIN])


def _leave(
    external: str,
    stops: Iterable[actions.StopTask],
    observed: Observed,
    *,
    ecs_cluster: str,
    certificate: Certificate | None,
    why: str,
) -> list[Action[Any]]:
    """Return how our workers leave a scheduler that goes on: it moves their results to others' before they end."""
    probe = observed.probe
    hosts = probe.identity.hosts if probe and probe.address == external and probe.identity else frozenset()
    joined = {
        task.private_ip: task.arn
        for task in observed.of_role("worker")
        if task.is_running and task.scheduler_address == external and task.private_ip in hosts
    }
    if not joined or "scaleDown" in observed.holds:
        return [*stops]
    retire = actions.RetireWorkers(
        ecs_cluster=ecs_cluster,
        scheduler_address=external,
        certificate=certificate,
        count=len(joined),
        tasks=joined,
        why=why,
    )
    return [*(stop for stop in stops if stop.task_arn not in joined.values()), retire]


def _is_on_ours(target: Target, task: Task) -> bool:
    """Whether a task's instance was brought for this cluster, so that it ends with its Auto Scaling group."""
    return task.capacity_provider is not None and (
        str(made.Made("capacity-provider", task.capacity_provider)) in target.cluster.status.made
    )


def find_ecs_cluster(target: Target) -> actions.FindEcsCluster:
    """Return the look-up of the ECS cluster whose tasks have to go."""
    return actions.FindEcsCluster(cluster=target.cluster.spec.cluster_arn or made.ecs_cluster_name(target))


def deletions(target: Target, things: Iterable[made.Made], observed: Observed) -> list[Action[Any]]:
    """Return the deletion of those things that have no other user.

    What the user gave is not even looked at: that may be forbidden.
    """
    things = list(things)
    todo = capacity_steps.deletions(target, things)
    for thing in things:
        used = str(thing) in observed.in_use
        match thing.kind:
            case "task-definition" if not used:
                todo.append(actions.DeregisterTaskDefinition(name=thing.name, first=_first(target, thing.name)))
            case "iam-role" if not used:
                has_policy = made.is_execution_role(thing.name)
                todo.append(
                    actions.DeleteRole(subject="taskRole", name=thing.name, tags=target.own_tags, has_policy=has_policy)
                )
            case "security-group" if used:
                todo.append(actions.ReviseSecurityGroup(name=thing.name, tags=target.own_tags))
            case "security-group":
                todo.append(actions.DeleteSecurityGroup(name=thing.name, tags=target.own_tags))
            case "secret" if not used:
                todo.append(tls.DeleteSecret(name=thing.name, tags=target.own_tags))
            case "ecs-cluster" if not used:
                todo.append(actions.DeleteEcsCluster(name=thing.name, tags=target.own_tags))
            case "log-group" if not used and target.cluster.spec.logs.deletion_policy == "Delete":
                account_id = target.cluster.status.account_id or ""
                todo.append(actions.DeleteLogGroup(name=thing.name, account_id=account_id, tags=target.log_group_tags))
    return todo


def _first(target: Target, family: str) -> str | None:
    """Return the first revision of a family, if the status knows of that and of no later one."""
    known = target.cluster.status.task_definitions.of_family(family)
    return known if known and known.endswith(":1") else None
