"""`dask-ecs describe`: a DaskCluster at a glance."""

import asyncio
import datetime
import textwrap
from collections.abc import Iterator, Sequence

import click

from dask_ecs.api.conditions import Condition
from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.session import Sessions
from dask_ecs.command_line import cluster as view
from dask_ecs.command_line import own_credentials
from dask_ecs.command_line.cluster import Event
from dask_ecs.controllers import login
from dask_ecs.plan import backoff, diagnosis
from dask_ecs.plan.observed import Task

# Events that are shown.
_EVENTS = 15


@click.command("describe")
@click.argument("name", type=view.NAME)
@click.option("-n", "--namespace", help="Namespace. Default: the kubeconfig's.")
def command(name: str, namespace: str | None) -> None:
    """Show a DaskCluster at a glance: its state, its tasks on ECS, what happened, what to do."""
    click.echo(asyncio.run(_describe(name, namespace or login.default_namespace())))


async def _describe(name: str, namespace: str) -> str:
    async with view.kubernetes() as api, Sessions() as sessions:
        cluster = await view.read(api, namespace=namespace, name=name)
        events = await view.events(api, cluster)
        tasks: Sequence[Task] | str = ()
        try:
            if cluster.status.region:
                tasks = await view.tasks(sessions.region(cluster.status.region), cluster)
        except AwsError as error:
            tasks = f"AWS does not tell. {own_credentials.of_reading(error)}"
        return text(cluster, tasks, events, now=datetime.datetime.now(datetime.UTC))


def text(cluster: DaskCluster, tasks: Sequence[Task] | str, events: Sequence[Event], *, now: datetime.datetime) -> str:
    """Return all that is shown; `tasks` may be why they are not known."""
    return "\n".join(
        [
            *_facts(cluster),
            "Conditions:",
            *_conditions(cluster),
            "Tasks:",
            *(_indented(tasks) if isinstance(tasks, str) else _tasks(tasks, now=now)),
            "Events:",
            *_events(events, now=now),
            "What to do:",
            *_advice(cluster, () if isinstance(tasks, str) else tasks),
        ]
    )


def _facts(cluster: DaskCluster) -> Iterator[str]:
    status = cluster.status
    facts = {
        "Name": cluster.metadata.name,
        "Namespace": cluster.metadata.namespace,
        "Status": f"{status.phase or 'not seen by an operator yet'}, {status.workers.summary} workers",
        "Scheduler": status.scheduler_address,
        "Dashboard": status.dashboard_link,
        "Launch type": status.launch_type or cluster.spec.launch_type,
        "Image": status.image,
        "AWS": f"account {status.account_id or '?'}, region {status.region or '?'}",
        "ECS cluster": status.cluster_arn,
        "Log group": status.log_group,
    }
    yield from (f"{name + ':':13}{value}" for name, value in facts.items() if value)


def _conditions(cluster: DaskCluster) -> Iterator[str]:
    for condition in cluster.status.conditions:
        yield f"  {condition.type:20}{condition.status:9}{condition.reason}"
    if not cluster.status.conditions:
        yield "  none: does an operator run, and does it watch this namespace?"


def _tasks(tasks: Sequence[Task], *, now: datetime.datetime) -> Iterator[str]:
    for task in tasks:
        where = task.private_ip if task.is_live and task.private_ip else "-"
        age = _ago(task.stopped_at or task.created_at, now)
        yield f"  {task.role:10}{task.id:34}{task.last_status:15}{where:16}{age}"
        if task.is_stopped:
            ended = f"exit code {task.exit_code}" if task.exit_code is not None else task.stop_code
            reasons = dict.fromkeys(filter(None, (ended, task.stopped_reason, task.container_reason)))
            yield from _indented("; ".join(reasons), by=12)
    if not tasks:
        yield "  none"


def _events(events: Sequence[Event], *, now: datetime.datetime) -> Iterator[str]:
    for event in events[-_EVENTS:]:
        age = _ago(datetime.datetime.fromisoformat(event.at), now)
        yield f"  {age:10}{event.kind:9}{event.reason}"
        yield from _indented(event.message, by=12)
    if not events:
        yield "  none of late"


def _advice(cluster: DaskCluster, tasks: Sequence[Task]) -> Iterator[str]:
    """Yield what keeps the cluster from being as it should, and how to mend it."""
    said = [
        condition.message
        for condition in cluster.status.conditions
        if condition.message and (condition.status == "True") == _is_trouble(condition)
        if condition.type != "Reconciling" and condition.status != "Unknown"
    ]
    failed = [task for task in tasks if backoff.failed_to_last(task)]
    said += [diagnosis.of_task(task)[1] for task in failed[-1:]]
    for message in dict.fromkeys(said):
        yield from _indented(message)
    if not said:
        yield "  nothing: all is well" if cluster.status.phase == "Running" else "  nothing yet"


def _is_trouble(condition: Condition) -> bool:
    """Whether a condition that is true is what somebody has to know of."""
    return condition.type in ("Stalled", "Suspended") or condition.reason == "InstanceDraining"


def _indented(message: str, *, by: int = 2) -> list[str]:
    margin = " " * by
    return textwrap.wrap(
        message, 110, initial_indent=margin, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False
    )


def _ago(then: datetime.datetime, now: datetime.datetime) -> str:
    """Return how long ago it was, as kubectl writes it."""
    seconds = max(int((now - then).total_seconds()), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
