"""`dask-ecs logs`: what scheduler and workers have written, from CloudWatch Logs."""

import asyncio
import dataclasses
import datetime
import heapq
import re
from collections.abc import Iterable, Sequence
from typing import Any

import click

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.aws import operations, task_definitions
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.session import Aws, Sessions
from dask_ecs.command_line import cluster as view
from dask_ecs.command_line import own_credentials
from dask_ecs.controllers import login
from dask_ecs.plan import given_definition, log_stream
from dask_ecs.plan.log_stream import LogStream
from dask_ecs.plan.observed import GivenDefinition, Task

# Seconds between two looks for new lines; CloudWatch has what was written some seconds later.
_INTERVAL = 2.0

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclasses.dataclass(frozen=True, order=True)
class Line:
    """One line of a log; `at` is in milliseconds of Unix time."""

    at: int
    source: str
    message: str


@dataclasses.dataclass
class Stream:
    """A task's log stream, and how far it was read."""

    place: LogStream
    source: str
    token: str | None = None


@click.command("logs")
@click.argument("name", type=view.NAME)
@click.argument("role", required=False, type=click.Choice(["scheduler", "worker"]))
@click.argument("task", required=False)
@click.option("-n", "--namespace", help="Namespace. Default: the kubeconfig's.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on, until Ctrl-C.")
@click.option("--since", metavar="DURATION", help="Only what is younger, as 30s, 5m or 2h.")
@click.option("--tail", type=click.IntRange(min=0), default=100, show_default=True, help="Lines of each task.")
def command(
    name: str,
    role: str | None,
    task: str | None,
    namespace: str | None,
    follow: bool,
    since: str | None,
    tail: int,
) -> None:
    """Print the logs of a DaskCluster's tasks, of all, of a ROLE's, or of one TASK, by the beginning of its id.

    Tasks that ended are found for an hour.
    """
    start = now_less(since, now=datetime.datetime.now(datetime.UTC)) if since else None
    try:
        asyncio.run(
            _print(name, namespace or login.default_namespace(), role, task, start=start, tail=tail, follow=follow)
        )
    except AwsError as error:
        raise click.ClickException(own_credentials.of_reading(error)) from error


def now_less(duration: str, *, now: datetime.datetime) -> int:
    """Return the time so long ago, in milliseconds of Unix time.

    Raises:
        click.BadParameter: it is no duration.

    """
    parts = re.findall(r"(\d+)([smhd])", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise click.BadParameter(f"{duration!r} is no duration: write 30s, 5m, 2h or 1h30m.")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    return int((now.timestamp() - seconds) * 1000)


def chosen(tasks: Iterable[Task], *, role: str | None, task: str | None) -> list[Task]:
    """Return the tasks of one role, or those whose id begins so."""
    return [each for each in tasks if role in (None, each.role) and each.id.startswith(task or "")]


def merged(logs: Sequence[Sequence[Line]]) -> list[str]:
    """Return the lines of several logs in the order of their time, each behind the name of its source."""
    width = max((len(line.source) for log in logs for line in log), default=0)
    return [f"{line.source:{width}} | {line.message}" for line in heapq.merge(*logs)]


async def _print(
    name: str,
    namespace: str,
    role: str | None,
    task: str | None,
    *,
    start: int | None,
    tail: int,
    follow: bool,
) -> None:
    async with view.kubernetes() as api, Sessions() as sessions:
        cluster = await view.read(api, namespace=namespace, name=name)
        if not cluster.status.region or not cluster.status.cluster_arn:
            raise click.ClickException(f"{name} has run no task yet: `dask-ecs describe {name}` tells why.")
        aws = sessions.region(cluster.status.region)
        known: dict[str, Stream | None] = {}
        definitions: dict[str, GivenDefinition] = {}
        first = True
        while True:
            found = chosen(await view.tasks(aws, cluster), role=role, task=task)
            for each in found:
                if each.id not in known:
                    known[each.id] = await _stream(aws, cluster, each, definitions)
            if first and not known:
                raise click.ClickException(
                    "ECS knows no such task of the last hour: name it by its id or the beginning of that, which "
                    f"`dask-ecs describe {name}` shows."
                )
            if first and not any(known.values()):
                raise click.ClickException(
                    f"What these tasks write does not go to CloudWatch Logs in {aws.region}, or in streams without a "
                    "prefix: see logConfiguration in the spec, or in the task definition that it names."
                )
            limit = tail if first else None
            logs = [await _read(aws, stream, start=start, limit=limit) for stream in known.values() if stream]
            for line in merged(logs):
                click.echo(line)
            if first and not any(logs):
                click.echo(
                    "Nothing was written, or it is not there any more: a task whose log group was deleted while it ran "
                    "logs nothing until it is replaced.",
                    err=True,
                )
            if not follow:
                return
            first = False
            await asyncio.sleep(_INTERVAL)


async def _stream(aws: Aws, cluster: DaskCluster, task: Task, definitions: dict[str, GivenDefinition]) -> Stream | None:
    """Return a task's log stream; `definitions` are the users' own that were looked at before, by ARN."""
    arn = task.task_definition_arn
    if cluster.spec.role(task.role).task_definition_arn and arn not in definitions:
        definitions[arn] = given_definition.read(await task_definitions.describe(aws, arn=arn), role=task.role)
    place = log_stream.of_task(cluster.spec, task.role, task.id, given=definitions.get(arn))
    source = task.role if task.role == "scheduler" else f"{task.role} {task.id[:8]}"
    return Stream(place=place, source=source) if place else None


async def _read(aws: Aws, stream: Stream, *, start: int | None, limit: int | None) -> list[Line]:
    """Return what a stream holds that was not read yet; a task that has written nothing has no stream."""
    request: dict[str, Any] = {"logGroupName": stream.place.group, "logStreamName": stream.place.name}
    if stream.token:
        request |= {"nextToken": stream.token, "startFromHead": True}
    elif limit is None:
        request |= {"startFromHead": True}
    else:
        request |= {"startFromHead": False, "limit": max(limit, 1)}
    if start is not None:
        request["startTime"] = start
    try:
        answer = await aws.call(operations.GET_LOG_EVENTS, **request)
    except AwsError as error:
        if error.kind is Kind.GONE:
            return []
        raise
    stream.token = answer.get("nextForwardToken")
    found = [Line(event["timestamp"], stream.source, event["message"].rstrip()) for event in answer["events"]]
    return found if limit != 0 else []
