"""`dask-ecs plan`: what would be asked of AWS for DaskClusters that are not there yet."""

import asyncio
import dataclasses
import datetime
import pathlib
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import click

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.aws import iam_policy, operations
from dask_ecs.aws.actions_calls import calls
from dask_ecs.aws.errors import AwsError, ConfigurationError
from dask_ecs.aws.iam_policy import Scope, Statement, listed
from dask_ecs.aws.session import Sessions
from dask_ecs.command_line import manifests, missing_permissions, operator_settings, own_credentials, roles_behind
from dask_ecs.command_line.iam_policy import for_clusters
from dask_ecs.command_line.install import INSTALL
from dask_ecs.plan import roles
from dask_ecs.plan.foresight import Foresight, foresee
from dask_ecs.plan.settings import Settings
from dask_ecs.plan.target import Target

# AWS's own account in examples, where nobody says whose it is.
_NOBODYS_ACCOUNT = "111122223333"

# Exit code where a permission is missing; 1 and 2 are click's, for manifests and options that are wrong.
MISSING = 3


@click.command("plan")
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    required=True,
    type=manifests.FILE,
    help="Manifests of DaskClusters, - for standard input; may be repeated.",
)
@click.option("-n", "--namespace", default="default", show_default=True, help="Of those that name none.")
@click.option("--install", type=INSTALL, default="install", show_default=True, help="As of `dask-ecs run`.")
@click.option("--region", help="Default region. Default: by AWS's standard configuration, else eu-west-1.")
@operator_settings.options
@click.option("--identity", metavar="ARN", help="The operator's user or role. Default: whose the AWS credentials are.")
def command(
    files: tuple[pathlib.Path, ...],
    namespace: str,
    install: str,
    region: str | None,
    identity: str | None,
    **given: Any,
) -> None:
    """Print what an operator would ask of AWS, were these DaskClusters applied: nothing is asked for or made.

    What AWS answers is taken to be well, and nothing to be there yet. Only whose the AWS credentials are is looked up,
    if there are any, which roles task definitions and instance profiles name that are given, and which of the
    permissions that all this takes are missing, by IAM's policy simulator.

    The exit code is 3 where permissions are missing, and 0 where none is or it can not be told, which is then said.
    """
    clusters = [cluster for path in files for cluster in manifests.read(path, namespace=namespace)]
    try:
        region = region or Sessions().default_region or "eu-west-1"
    except ConfigurationError as error:
        raise click.ClickException(error.advice) from error
    settings = operator_settings.of_options(given, install=install, default_region=region)
    if asyncio.run(_print(clusters, settings, identity=identity)):
        click.get_current_context().exit(MISSING)


async def _print(clusters: Sequence[DaskCluster], settings: Settings, *, identity: str | None) -> bool:
    """Print the plans and the permissions; return whether some of these are missing."""
    async with Sessions() as sessions:
        aws = sessions.region(settings.default_region)
        account, caller = _NOBODYS_ACCOUNT, ""
        try:
            answer = await aws.call(operations.GET_CALLER_IDENTITY)
        except AwsError as error:
            click.echo(f"AWS does not say whose account it is ({own_credentials.advice(error)})")
        else:
            account, caller = str(answer["Account"]), str(answer["Arn"])
            click.echo(f"As {caller}")
        now = datetime.datetime.now(datetime.UTC)
        for cluster in clusters:
            metadata = cluster.metadata.model_copy(update={"uid": cluster.metadata.uid or "00000000", "generation": 1})
            target = Target(cluster=cluster.model_copy(update={"metadata": metadata}), settings=settings)
            click.echo("\n" + text(target, foresee(target, account_id=account, now=now)))
        passed, untold = (
            await roles_behind.look(sessions, (cluster.spec for cluster in clusters), region=aws.region)
            if caller
            else ([], [])
        )
        statements = needed(clusters, settings, account=account, passed=passed)
        click.echo("\n" + "\n".join(permissions(statements)))
        if not caller:
            return False
        lines, missing = await missing_permissions.look(
            aws,
            identity=identity or caller,
            statements=statements,
            account=account,
            example=str(clusters[0].metadata.namespace),
        )
        click.echo("\n" + "\n".join([*lines, *untold]))
        return missing


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


def needed(
    clusters: Sequence[DaskCluster], settings: Settings, *, account: str, passed: Sequence[str]
) -> list[Statement]:
    """Return what the operator's identity has to be allowed for these clusters' whole life.

    `passed` are roles that the specs do not name themselves.
    """
    regions = tuple(sorted({Target(cluster=cluster, settings=settings).region for cluster in clusters}))
    boundary = settings.permissions_boundary
    scope = Scope(
        partition=tuple(sorted(set(map(roles.partition, regions)))),
        region=regions,
        account=(account,),
        install=(settings.install,),
        given_role=tuple(passed),
        permissions_boundary=(boundary,) if boundary else (),
    )
    scope = for_clusters(clusters, scope)
    return iam_policy.statements(dataclasses.replace(scope, purposes=scope.purposes - {"events"}))


def permissions(statements: Sequence[Statement]) -> Iterator[str]:
    """Yield which actions these statements allow."""
    actions = sorted({action for statement in statements for action in listed(statement["Action"])})
    yield "The operator's AWS identity needs (`dask-ecs iam-policy -f FILE` prints on what, as a policy):"
    yield from textwrap.wrap(", ".join(actions), 110, initial_indent="  ", subsequent_indent="  ")
