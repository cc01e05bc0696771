"""What a command sees of one DaskCluster: the object, its events, and its tasks on ECS."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import click
from kubernetes.aio import client, config

from dask_ecs.api.daskcluster import KIND, DaskCluster, InvalidDaskClusterError
from dask_ecs.aws import tasks as aws_tasks
from dask_ecs.aws.session import Aws
from dask_ecs.command_line import schema_check
from dask_ecs.controllers import login
from dask_ecs.controllers.objects import UNAVAILABLE, GoneError, NoCrdError, Objects, said
from dask_ecs.plan.observed import Task


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """A Kubernetes Event, as a person reads it; `at` is RFC 3339."""

    at: str
    kind: str
    reason: str
    message: str


class _Name(click.ParamType[str]):
    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        for problem in schema_check.problems_of_names({"name": value}):
            self.fail(problem.partition(": ")[2] + ".", param, ctx)
        return str(value)


NAME = _Name()
"""A DaskCluster's name, as commands take it."""


@contextlib.asynccontextmanager
async def kubernetes() -> AsyncIterator[client.ApiClient]:
    """Reach Kubernetes as kubectl does.

    Raises:
        click.ClickException: there is no kubeconfig, or nobody answers.

    """
    try:
        configuration = (await login.load()).configuration
    except config.ConfigException as error:
        raise click.ClickException(f"Kubernetes can not be reached: {error}. Set KUBECONFIG.") from error
    async with client.ApiClient(configuration) as api:
        try:
            yield api
        except UNAVAILABLE as error:
            raise click.ClickException(f"Kubernetes does not answer as it should: {said(error)}.") from error


async def read(api: client.ApiClient, *, namespace: str, name: str) -> DaskCluster:
    """Return the object; of one that breaks a rule of the API, say so and return what is valid, as the operator does.

    Raises:
        click.ClickException: it is not there, or nothing of it is valid.

    """
    try:
        body = await Objects(api).get(namespace=namespace, name=name)
    except NoCrdError:
        raise click.ClickException(
            f"This Kubernetes knows no {KIND}: its CRD is not installed. Install the chart, or apply the folder crds."
        ) from None
    except GoneError:
        raise click.ClickException(f"There is no {KIND} {name} in namespace {namespace}.") from None
    try:
        return DaskCluster.read(body)
    except InvalidDaskClusterError as error:
        click.echo(f"{name} breaks rules of the API, so edit it: {error}", err=True)
    try:
        return DaskCluster.read_what_is_valid(body)
    except InvalidDaskClusterError as error:
        raise click.ClickException(f"{name}: {error}") from error


async def events(api: client.ApiClient, cluster: DaskCluster) -> list[Event]:
    """Return what was told of the object, oldest first."""
    selector = f"involvedObject.uid={cluster.metadata.uid}"
    found = await client.CoreV1Api(api).list_namespaced_event(cluster.metadata.namespace, field_selector=selector)
    told = [
        Event(
            at=(each.last_timestamp or each.metadata.creation_timestamp).isoformat(),
            kind=each.type,
            reason=each.reason,
            message=each.message,
        )
        for each in found.items
    ]
    return sorted(told, key=lambda event: event.at)


async def tasks(aws: Aws, cluster: DaskCluster) -> list[Task]:
    """Return the tasks that ECS knows of the cluster, those that stopped within the last hour too, oldest first.

    Raises:
        AwsError: AWS does not tell.

    """
    arn = cluster.status.cluster_arn
    if not arn:
        return []
    arns = await aws_tasks.list_arns(aws, ecs_cluster=arn, stopped=True)
    found, _ = await aws_tasks.describe(aws, ecs_cluster=arn, arns=arns)
    ours = [task for task in found if task.started_by.endswith(f"/{cluster.metadata.uid}")]
    return sorted(ours, key=lambda task: task.created_at)
