"""`dask-ecs plan`: what would be asked of AWS for DaskClusters that are not there yet."""

import asyncio
import dataclasses
import datetime
import importlib.metadata
import pathlib
import textwrap
from collections.abc import Iterator, Sequence

import click

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.aws import iam_policy, operations
from dask_ecs.aws.actions_calls import calls
from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.iam_policy import Scope
from dask_ecs.aws.session import Sessions
from dask_ecs.command_line import cluster as view
from dask_ecs.command_line import manifests
from dask_ecs.command_line.iam_policy import for_clusters
from dask_ecs.plan.foresight import Foresight, foresee
from dask_ecs.plan.settings import Settings
from dask_ecs.plan.target import Target

# AWS's own account in examples, where nobody says whose it is.
_NOBODYS_ACCOUNT = "111122223333"


@click.command("plan")
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="Manifests of DaskClusters; may be repeated.",
)
@click.option("-n", "--namespace", default="default", show_default=True, help="Of those that name none.")
@click.option("--install", default="install", help="As `dask-ecs run --install`.")
@click.option("--region", help="Default region. Default: by AWS's standard configuration.")
@click.option("--allow-role", "allowed_roles", multiple=True, metavar="PATTERN", help="As of `dask-ecs run`.")
@click.option("--allow-task-role-policy", "policies", multiple=True, metavar="PATTERN", help="As of `dask-ecs run`.")
@click.option("--allow-secret", "secrets", multiple=True, metavar="PATTERN", help="As of `dask-ecs run`.")
@click.option("--allow-host-path", "host_paths", multiple=True, metavar="PATTERN", help="As of `dask-ecs run`.")
@click.option(
    "--allow-task-definition", "task_definitions", multiple=True, metavar="PATTERN", help="As of `dask-ecs run`."
)
@click.option("--permissions-boundary", metavar="ARN", help="As of `dask-ecs run`.")
def command(
    files: tuple[pathlib.Path, ...],
    namespace: str,
    install: str,
    region: str | None,
    allowed_roles: tuple[str, ...],
    policies: tuple[str, ...],
    secrets: tuple[str, ...],
    host_paths: tuple[str, ...],
    task_definitions: tuple[str, ...],
    permissions_boundary: str | None,
) -> None:
    """Print what an operator would ask of AWS, were these DaskClusters applied: nothing is asked for or made.

    What AWS answers is taken to be well, and nothing to be there yet. Only whose the AWS credentials are is looked up,
    if there are any.
    """
    clusters = [cluster for path in files for cluster in manifests.read(path, namespace=namespace)]
    settings = Settings(
        install=install,
        default_region=region or Sessions().default_region or "eu-west-1",
        default_image=f"ghcr.io/dask/dask:{importlib.metadata.version('dask')}",
        allow_roles=allowed_roles,
        allow_task_role_policies=policies,
        allow_secrets=secrets,
        allow_host_paths=host_paths,
        allow_task_definitions=task_definitions,
        permissions_boundary=permissions_boundary,
    )
    account, who = asyncio.run(_identity(settings.default_region))
    now = datetime.datetime.now(datetime.UTC)
    click.echo(who)
    for cluster in clusters:
        metadata = cluster.metadata.model_copy(update={"uid": cluster.metadata.uid or "00000000", "generation": 1})
        target = Target(cluster=cluster.model_copy(update={"metadata": metadata}), settings=settings)
        click.echo("\n" + text(target, foresee(target, account_id=account, now=now)))
    click.echo("\n" + "\n".join(permissions(clusters, install=install, account=account)))


def text(target: Target, foresight: Foresight) -> str:
    """Return the actions, each with the calls behind it, and what is refused."""
    metadata = target.cluster.metadata
    lines = [f"{metadata.namespace}/{metadata.name} in {target.region}:"]
    for action in foresight.actions:
        asked = ", ".join(str(operation) for operation in calls(action))
        lines += [f"  {action}"] + ([f"      {asked}"] if asked else [])
    if foresight.refusal:
        lines += textwrap.wrap(f"Refused: {foresight.refusal}", 110, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines)


def permissions(clusters: Sequence[DaskCluster], *, install: str, account: str) -> Iterator[str]:
    """Yield which actions the operator's identity needs for these clusters' whole life."""
    scope = for_clusters(clusters, Scope(install=(install,), account=(account,)))
    scope = dataclasses.replace(scope, purposes=scope.purposes - {"events"})
    needed = {
        action
        for statement in iam_policy.statements(scope)
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    yield "The operator's AWS identity needs (`dask-ecs iam-policy -f FILE` prints on what, as a policy):"
    yield from textwrap.wrap(", ".join(sorted(needed)), 110, initial_indent="  ", subsequent_indent="  ")


async def _identity(region: str) -> tuple[str, str]:
    """Return the AWS account, and a line that says whose it is."""
    async with Sessions() as sessions:
        try:
            answer = await sessions.region(region).call(operations.GET_CALLER_IDENTITY)
        except AwsError as error:
            return _NOBODYS_ACCOUNT, f"AWS does not say whose account it is ({view.short(error)})"
        return str(answer["Account"]), f"As {answer['Arn']}"
