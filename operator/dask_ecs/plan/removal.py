"""How to be rid of workers: with what they hold moved to others first, wherever the scheduler can be asked for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dask_ecs.plan import actions, batches, capacity_providers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dask_ecs.plan.action import Action
    from dask_ecs.plan.observed import Observed, Task
    from dask_ecs.plan.rollout import Change
    from dask_ecs.plan.target import Target
    from dask_ecs.plan.tasks import Tasks

# Why workers are stopped, as ECS and the events say it.
_OUTDATED = "the spec was edited"
_SCALED_DOWN = "scaled down"
_DRAINING = "its instance is being drained"


def plan(target: Target, tasks: Tasks, change: Change, observed: Observed, *, ecs_cluster: str) -> list[Action[Any]]:
    """Return how the workers go that are on instances to be emptied, of an older spec, or too many."""
    todo = _empty_instances(tasks, observed, ecs_cluster)
    todo += _replace(change, tasks, observed, ecs_cluster)
    for count, group in _superfluous(change.excess, tasks.staying, target):
        todo += _scale_down(count, group, observed, ecs_cluster)
    return todo


def stop(task: Task, ecs_cluster: str, why: str) -> actions.StopTask:
    """Return the stop of one task."""
    return actions.StopTask(ecs_cluster=ecs_cluster, task_arn=task.arn, why=why)


def _empty_instances(tasks: Tasks, observed: Observed, ecs_cluster: str) -> list[Action[Any]]:
    """Return how to be rid of workers on instances that are to be emptied, as soon as others can take what they hold.

    AWS: "Draining Amazon ECS container instances": it stops the tasks of services, others run until they end.
    """
    hosts = observed.probe.identity.hosts if observed.probe and observed.probe.identity else None
    holding = [task for task in tasks.leaving if (task.is_running if hosts is None else task.private_ip in hosts)]
    todo: list[Action[Any]] = [stop(task, ecs_cluster, _DRAINING) for task in tasks.leaving if task not in holding]
    if tasks.joined or not tasks.rollout.desired:
        todo += _retire(len(holding), holding, tasks, observed, ecs_cluster, why=_DRAINING)
    return todo


def _replace(change: Change, tasks: Tasks, observed: Observed, ecs_cluster: str) -> list[Action[Any]]:
    """Return how to be rid of workers of an older spec, as many as `change` says."""
    outdated = tasks.rollout.outdated
    asked = observed.probe is not None and observed.probe.identity is not None
    # One that runs may have joined a scheduler that does not answer now.
    surely = [task for task in change.stop if asked or not task.is_running or tasks.rollout.strategy.type == "Recreate"]
    todo: list[Action[Any]] = [stop(task, ecs_cluster, _OUTDATED) for task in surely]
    joined = [task for task in tasks.joined if task in outdated]
    return todo + _retire(change.retire, joined, tasks, observed, ecs_cluster, why=_OUTDATED)


def _superfluous(excess: int, tasks: Tasks, target: Target) -> list[tuple[int, Tasks]]:
    """Return how many workers are too many, and among which: a strategy's shares hold for those that stay."""
    strategy = capacity_providers.strategy(target.cluster.spec, "worker")
    if not strategy or not excess:
        return [(excess, tasks)]
    actual = batches.by_provider(tasks.workers)
    surplus = capacity_providers.surplus(strategy, wanted=len(tasks.workers) - excess, actual=actual, most=excess)
    return [(count, _on_provider(provider, tasks)) for provider, count in surplus.items()]


def _on_provider(provider: str | None, tasks: Tasks) -> Tasks:
    return tasks.among(lambda task: task.capacity_provider == provider)


def _scale_down(count: int, tasks: Tasks, observed: Observed, ecs_cluster: str) -> list[Action[Any]]:
    """Return how to be rid of `count` workers: those that have not joined first, newest first."""
    not_joined = [task for task in reversed(tasks.workers) if task not in tasks.joined]
    todo: list[Action[Any]] = [stop(task, ecs_cluster, _SCALED_DOWN) for task in not_joined[:count]]
    return todo + _retire(count - len(todo), tasks.joined, tasks, observed, ecs_cluster, why=_SCALED_DOWN)


def _retire(
    count: int, joined: Sequence[Task], tasks: Tasks, observed: Observed, ecs_cluster: str, *, why: str
) -> list[Action[Any]]:
    """Return how to be rid of `count` of workers that have joined, with what they hold moved to others."""
    if count <= 0:
        return []
    if observed.probe and observed.probe.identity and tasks.scheduler_address:
        hosts = {task.private_ip: task.arn for task in joined if task.private_ip}
        return [
            actions.RetireWorkers(
                ecs_cluster=ecs_cluster,
                scheduler_address=tasks.scheduler_address,
                certificate=tasks.certificate,
                count=count,
                tasks=hosts,
                why=why,
            )
        ]
    # Nobody to ask which have least to lose; each still moves its results when it is told to stop.
    newest = sorted(joined, key=lambda task: task.created_at, reverse=True)
    return [stop(task, ecs_cluster, why) for task in newest[:count]]
