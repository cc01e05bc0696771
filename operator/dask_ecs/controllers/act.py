"""Doing what was planned: each action through `aws` or `dask`."""

import contextlib
import datetime
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from dask_ecs.aws import (
    capacity,
    ecs_clusters,
    logs,
    network,
    operations,
    roles,
    secrets,
    security_groups,
    task_definitions,
    tasks,
)
from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.controllers import certificates, slots
from dask_ecs.controllers.task_watcher import TaskWatchers
from dask_ecs.dask import scheduler
from dask_ecs.dask.errors import SchedulerError, SchedulerRefusedError
from dask_ecs.plan import actions, capacity_actions, tls
from dask_ecs.plan.action import Action
from dask_ecs.plan.security_group import Asked

# Seconds that moving the results of retiring workers may take before their tasks are stopped all the same; being
# stopped, a worker goes on with it for as long as its stopTimeout lets it.
RETIRE_DEADLINE = 120

# Seconds that a scheduler has to hang up when it is asked to end.
TERMINATE_DEADLINE = 5


async def act(
    aws: Aws,
    action: Action[Any],
    *,
    own_tags: Mapping[str, str],
    others_ingress: Callable[[], Awaitable[Asked]],
    watchers: TaskWatchers,
    now: datetime.datetime,
    tell: Tell = nobody,
) -> Any:
    """Do one action and return what came of it.

    `others_ingress` gives what the other users of the action's security group ask of it; `tell` is told of whatever
    was made before and is found otherwise.

    Raises:
        AwsError, NeedsUser, SchedulerError: it could not be done.

    """
    match action:
        case actions.IdentifyAccount():
            return str((await aws.call(operations.GET_CALLER_IDENTITY))["Account"])
        case actions.ResolveNetwork():
            return await network.resolve(aws, action)
        case actions.UseEcsCluster():
            return await ecs_clusters.use(aws, arn=action.arn)
        case actions.FindEcsCluster():
            return await ecs_clusters.find(aws, cluster=action.cluster)
        case actions.EnsureEcsCluster():
            return await ecs_clusters.ensure(aws, name=action.name, tags=action.tags, own_tags=own_tags, tell=tell)
        case actions.AssociateCapacityProviders():
            await ecs_clusters.associate(aws, arn=action.arn, providers=action.providers, tell=tell)
        case tls.EnsureCertificate():
            return await certificates.ensure(aws, action, own_tags=own_tags, now=now, tell=tell)
        case actions.EnsureRole():
            return await roles.ensure(aws, action, own_tags=own_tags, tell=tell)
        case actions.EnsureSecurityGroup():
            others = await others_ingress()
            return await security_groups.ensure(
                aws,
                name=action.name,
                vpc_id=action.vpc_id,
                rules=others.rules.union(action.rules),
                kept=others.refused,
                tags=action.tags,
                own_tags=own_tags,
                tell=tell,
            )
        case actions.EnsureLogGroup():
            return await logs.ensure_group(
                aws, name=action.name, retention_days=action.retention_days, tags=action.tags, tell=tell
            )
        case actions.RegisterTaskDefinition():
            return await task_definitions.ensure(aws, action.request, tell=tell)
        case actions.UseTaskDefinition():
            return await task_definitions.use(aws, arn=action.arn, role=action.role)
        case actions.StopTask():
            await _stop(aws, action.ecs_cluster, action.task_arn, why=action.why, watchers=watchers)
        case actions.TerminateScheduler():
            with slots.idle():
                await scheduler.terminate(
                    action.scheduler_address, certificate=action.certificate, deadline=TERMINATE_DEADLINE
                )
            return datetime.datetime.now(datetime.UTC)
        case actions.RetireWorkers():
            await _retire(aws, action, watchers=watchers)
        case actions.DeregisterTaskDefinition():
            await task_definitions.deregister(aws, family=action.name, first=action.first)
        case tls.DeleteSecret():
            await secrets.delete(aws, name=action.name, own_tags=action.tags)
        case actions.DeleteRole():
            await roles.delete(aws, name=action.name, own_tags=action.tags, has_policy=action.has_policy)
        case actions.ReviseSecurityGroup():
            others = await others_ingress()
            rules = others.rules | others.refused
            await security_groups.revise(aws, name=action.name, rules=rules, own_tags=action.tags)
        case actions.DeleteSecurityGroup():
            await security_groups.delete(aws, name=action.name, own_tags=action.tags)
        case actions.DeleteLogGroup():
            await logs.delete_group(aws, name=action.name, account_id=action.account_id, tags=action.tags)
        case actions.DeleteEcsCluster():
            await ecs_clusters.delete(aws, name=action.name, own_tags=action.tags)
        case capacity_actions.CapacityAction() | capacity_actions.CapacityDeletion():
            return await capacity.act(aws, action, own_tags=own_tags, tell=tell)
        case _:
            raise TypeError(f"nobody knows how to do {action!r}")
    return True


async def run_tasks(aws: Aws, action: actions.RunTasks, *, watchers: TaskWatchers) -> AwsError | None:
    """Run tasks, and let their watcher know at once; return what AWS said of those it did not place.

    Raises:
        AwsError: as `tasks.run`.

    """
    started, not_placed = await tasks.run(aws, action.request)
    watchers.of(aws, action.request["cluster"]).put(started)
    return not_placed


async def _stop(aws: Aws, ecs_cluster: str, task_arn: str, *, why: str, watchers: TaskWatchers) -> None:
    await tasks.stop(aws, ecs_cluster=ecs_cluster, task_arn=task_arn, why=why)
    watchers.of(aws, ecs_cluster).stopping(task_arn)


async def _retire(aws: Aws, action: actions.RetireWorkers, *, watchers: TaskWatchers) -> None:
    address, certificate = action.scheduler_address, action.certificate
    with slots.idle():  # a tenant's scheduler may take its time, and others have theirs meanwhile
        seen = await scheduler.identity(address, certificate=certificate)
        # Workers that are not ours may have joined too; they are neither chosen nor counted.
        ranked = await scheduler.workers_to_close(address, hosts=len(seen.hosts), certificate=certificate)
    host_of = {worker.address: worker.host for worker in seen.workers}
    ours = [host for host in dict.fromkeys(host_of.get(worker, "") for worker in ranked) if host in action.tasks]
    hosts = ours[: action.count]
    if not hosts:
        raise SchedulerRefusedError(f"The scheduler at {address} names no workers to close")
    chosen = [worker.address for host in hosts for worker in seen.by_host[host]]
    # If moving the results takes longer, or has nowhere to go: told to stop, each worker tries once more by itself.
    with slots.idle(), contextlib.suppress(SchedulerError):
        await scheduler.retire_workers(address, workers=chosen, certificate=certificate, deadline=RETIRE_DEADLINE)
    for host in hosts:
        await _stop(aws, action.ecs_cluster, action.tasks[host], why=action.why, watchers=watchers)
