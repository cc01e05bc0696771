"""Which tasks to run and which to stop: the desired set against the actual one."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from typing import Any

from dask_ecs.api.spec import Naming
from dask_ecs.plan import (
    actions,
    backoff,
    batches,
    capacity,
    infrastructure,
    launch,
    pinning,
    placement,
    removal,
    rollout,
)
from dask_ecs.plan.action import Action
from dask_ecs.plan.certificate import Certificate
from dask_ecs.plan.infrastructure import Infrastructure
from dask_ecs.plan.observed import ROLES, Launch, Observed, Role, SchedulerProbe, Task
from dask_ecs.plan.rollout import Rollout
from dask_ecs.plan.target import Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tasks:
    """A cluster's tasks as they are, sorted by what they are for."""

    scheduler: Task | None
    scheduler_address: str | None
    certificate: Certificate | None
    """What the scheduler wants to be shown."""
    workers: tuple[Task, ...]
    """Live workers of the scheduler that runs now."""
    joined: tuple[Task, ...]
    """Those of them that the scheduler lists, or, where it is healthy and yet does not answer, that run."""
    leaving: tuple[Task, ...]
    """Live workers of the scheduler whose instance is to be emptied: they count for nothing any more."""
    strays: tuple[Task, ...]
    """Live tasks that belong to no scheduler of today."""
    rollout: Rollout
    """How far they are from the spec as it is now."""
    backoffs: dict[Role, backoff.Backoff]
    finished: Task | None
    """The newest scheduler, if it ended by itself and well: a client's shutdown."""
    external: bool = False
    """Whether the scheduler runs elsewhere."""

    @property
    def can_be_asked(self) -> bool:
        """Whether the operator surely has what the scheduler wants to be shown; one elsewhere may have another CA."""
        if self.external:
            return (self.scheduler_address or "").startswith("tcp://")
        return self.scheduler is not None and self.scheduler.is_running

    @property
    def staying(self) -> Tasks:
        """The same without workers that are being replaced: these are neither too many nor part of any share."""
        replaced = self.rollout.outdated if self.rollout.is_rolling else ()
        return self.among(lambda task: task not in replaced)

    def among(self, holds: Callable[[Task], bool]) -> Tasks:
        """Return the same with only some of the workers."""
        return dataclasses.replace(
            self,
            workers=tuple(task for task in self.workers if holds(task)),
            joined=tuple(task for task in self.joined if holds(task)),
        )


def sort(target: Target, there: Infrastructure, observed: Observed, *, now: datetime.datetime) -> Tasks:
    """Return the cluster's tasks, sorted."""
    external = target.cluster.spec.scheduler.address
    live = [task for task in observed.of_role("scheduler") if task.is_live]
    scheduler = live[0] if live and not external else None
    address = external or (scheduler.address if scheduler else None)
    live_workers = [task for task in observed.of_role("worker") if task.is_live]
    workers = [
        task
        for task in live_workers
        if task.scheduler_address == address
        and (external or (scheduler is not None and task.created_at >= scheduler.created_at))
    ]
    leaving = [task for task in workers if task.is_draining]
    strays = [task for task in live_workers if task not in workers]
    workers = [task for task in workers if not task.is_draining]
    joined = [task for task in workers if _has_joined(task, scheduler, observed.probe, address)]
    backoffs = {
        role: found
        for role, arn in there.definitions.items()
        if (
            found := backoff.of_stopped_tasks(
                of_role := observed.of_role(role),
                task_definition_arns=pinning.definitions_alike(target, role, arn, of_role),
                joined=joined if role == "worker" else (),
                edited_at=observed.edited_at,
                now=now,
            )
        )
    }
    ended = [task for task in observed.of_role("scheduler") if task.is_stopped]
    newest = max(ended, key=lambda task: task.created_at, default=None)
    return Tasks(
        scheduler=scheduler,
        scheduler_address=address,
        certificate=there.certificate,
        workers=tuple(workers),
        joined=tuple(joined),
        leaving=tuple(leaving),
        strays=(*(task for task in live if task is not scheduler), *strays),
        rollout=rollout.of_tasks(target, scheduler, workers, held=there.held_image),
        backoffs=backoffs,
        finished=newest if newest and not scheduler and not external and _ended_well(newest) else None,
        external=external is not None,
    )


def _has_joined(task: Task, scheduler: Task | None, probe: SchedulerProbe | None, address: str | None) -> bool:
    answers = probe is not None and probe.address == address and probe.identity is not None
    if scheduler is None and address is not None and address.startswith("tls://") and not answers:
        return task.is_running  # an external scheduler of another CA, for all that is known
    if probe is None or probe.address != address:
        return False
    if probe.identity:
        return task.private_ip in probe.identity.hosts
    return task.is_running and probe.was_healthy and scheduler is not None and scheduler.health == "HEALTHY"


def _ended_well(task: Task) -> bool:
    return task.exit_code == 0 and task.stop_code == "EssentialContainerExited"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """What to do about the tasks now, and when to look again whatever happens."""

    todo: tuple[Action[Any], ...] = ()
    wake_at: tuple[datetime.datetime, ...] = ()
    pending: dict[Role, int] = dataclasses.field(default_factory=dict)
    """Tasks on their way in launches without a known outcome."""


def plan(target: Target, there: Infrastructure, observed: Observed, tasks: Tasks, *, now: datetime.datetime) -> Step:
    """Return what brings the tasks to what the spec asks for.

    Raises:
        NeedsUser: the spec asks for a command that ECS does not take.

    """
    if there.ecs_cluster is None:
        return Step()
    cluster_arn = there.ecs_cluster.arn
    todo: list[Action[Any]] = [
        removal.stop(
            task, cluster_arn, "its scheduler is gone" if task.role == "worker" else "there is another scheduler"
        )
        for task in tasks.strays
    ]
    todo += [
        removal.stop(task, cluster_arn, "its instances' Auto Scaling group is gone")
        for task in placement.waiting_in_vain(observed)
        if task not in tasks.strays
    ]
    wake_at: list[datetime.datetime] = []
    pending: dict[Role, int] = {"scheduler": 0, "worker": 0}
    on_their_way: dict[Launch, int] = {}
    requests = _requests(target, there, tasks)
    for entry in observed.launches:
        action = launch.resolve(entry, observed, request=requests.get(entry.role), now=now)
        if isinstance(action, actions.ForgetLaunch):
            todo.append(action)
            continue
        on_their_way[entry] = entry.count - launch.seen(entry, observed)
        pending[entry.role] += on_their_way[entry]
        if action:
            todo.append(action)
        else:
            wake_at.append(launch.look_again_at(entry, now=now))
    if tasks.rollout.restarts and there.complete:
        todo += stop_all(observed, ecs_cluster=cluster_arn, why="the spec asks for another scheduler")
        return Step(todo=tuple(todo), wake_at=tuple(wake_at), pending=pending)
    change = rollout.of_workers(tasks.rollout, workers=tasks.workers, joined=tasks.joined, pending=pending["worker"])
    if not there.complete:  # nothing could take their place
        change = dataclasses.replace(change, stop=(), retire=0)
    missing: dict[Role, int] = {
        "scheduler": 0 if tasks.scheduler or tasks.external else 1 - pending["scheduler"],
        "worker": change.launch,
    }
    for role, request in requests.items():
        if missing[role] <= 0:
            continue
        waiting = tasks.backoffs.get(role)
        if waiting and waiting.retry_at > now:
            wake_at.append(waiting.retry_at)
            continue
        room = launch.MOST_LAUNCHES - len(observed.launches)
        of_role = {entry: count for entry, count in on_their_way.items() if entry.role == role}
        calls = batches.of_missing(
            target.cluster.spec,
            role,
            missing[role],
            live=tasks.staying.workers if role == "worker" else (),
            pending=of_role,
        )
        if role == "worker" and (naming := target.cluster.spec.worker.naming):
            calls = _named(calls, naming, tasks, observed)
        todo += _launches(role, calls[: max(room, 0)], target=target, request=request, now=now)
    # A scheduler that runs and was not asked yet soon will be.
    if observed.probe or not tasks.can_be_asked:
        todo += removal.plan(target, tasks, change, observed, ecs_cluster=cluster_arn)
    return Step(todo=tuple(todo), wake_at=tuple(wake_at), pending=pending)


def stop_all(observed: Observed, *, ecs_cluster: str, why: str) -> list[actions.StopTask]:
    """Return the stop of every live task, the scheduler first: workers without one leave at once."""
    live = [task for role in ROLES for task in observed.of_role(role) if task.is_live]
    return [removal.stop(task, ecs_cluster, why) for task in live]


def _requests(target: Target, there: Infrastructure, tasks: Tasks) -> dict[Role, dict[str, Any]]:
    """Return what RunTask would be asked for each role that can be run now."""
    spec = target.cluster.spec
    if there.ecs_cluster is None:
        return {}
    roles = [role for role in spec.roles if role in there.runnable and (role == "scheduler" or tasks.scheduler_address)]
    brought = capacity.providers(target)
    made_group = (there.security_group_id,) if there.security_group_id else ()
    return {
        role: launch.base_request(
            spec,
            role,
            ecs_cluster=there.ecs_cluster,
            network=there.networks[role],
            security_groups=spec.security_groups_of(role) or made_group,
            task_definition_arn=there.definitions[role],
            container=given.container if (given := there.given_definitions.get(role)) else role,
            command=infrastructure.command(target, role, scheduler_address=tasks.scheduler_address or "", given=given),
            environment=infrastructure.environment(target, role, given=given),
            scheduler_address=tasks.scheduler_address if role == "worker" else None,
            mark=str(tasks.rollout.marks_of_new[role]),
            started_by=target.started_by,
            tags=target.tags,
            capacity_provider=brought.get(role),
        )
        for role in roles
    }


def _named(calls: Sequence[batches.Batch], naming: Naming, tasks: Tasks, observed: Observed) -> list[batches.Batch]:
    workers = [task for task in observed.of_role("worker") if task.scheduler_address == tasks.scheduler_address]
    live = (task.worker_name for task in workers if task.is_live)
    taken = {name for name in (*live, *(entry.worker_name for entry in observed.launches)) if name is not None}
    leaving = {task.worker_name or "" for task in workers if not task.is_live and not task.is_stopped}
    return batches.of_named(calls, naming, taken=taken, leaving=leaving)


def _launches(
    role: Role, calls: Sequence[batches.Batch], *, target: Target, request: dict[str, Any], now: datetime.datetime
) -> list[actions.RunTasks]:
    uid = target.cluster.metadata.uid
    return [
        launch.new(role, batch, uid=uid, request=request, now=now, index=index) for index, batch in enumerate(calls)
    ]
