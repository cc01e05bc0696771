"""``dask-ecs run``: the operator, and what a platform team may set of it."""

import asyncio
import importlib.metadata
from typing import Literal

import click

from dask_ecs.api.duration import parse_duration
from dask_ecs.command_line.install import INSTALL
from dask_ecs.controllers import log_format
from dask_ecs.controllers import run as operator
from dask_ecs.plan import quota
from dask_ecs.plan.settings import Settings


def _quotas(texts: tuple[str, ...]) -> dict[str, quota.Limit]:
    try:
        return dict(quota.parse_quota(text) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _seconds(text: str) -> float:
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("run")
@click.option("--namespace", "namespaces", multiple=True, metavar="NS", help="Watch this namespace; may be repeated.")
@click.option("--all-namespaces", is_flag=True, help="Watch all namespaces (the default).")
@click.option(
    "--install",
    type=INSTALL,
    default="",
    help="Keeps two operators of one AWS account apart, by a part of every name there: choose it once. Default: from "
    "kube-system.",
)
@click.option("--default-image", help="Image of clusters that name none. Default: Dask's, of this operator's version.")
@click.option("--default-gpu-image", default="rapidsai/rapidsai:latest", show_default=True)
@click.option(
    "--operator-cidr", "cidrs", multiple=True, metavar="CIDR", help="From where the operator reaches schedulers."
)
@click.option(
    "--allow-role", "roles", multiple=True, metavar="PATTERN", help="Role ARNs that specs may name, as a glob."
)
@click.option("--allow-task-role-policy", "policies", multiple=True, metavar="PATTERN", help="The same for policies.")
@click.option(
    "--allow-secret",
    "secrets",
    multiple=True,
    metavar="PATTERN",
    help="The same for secrets of Secrets Manager and Parameter Store.",
)
@click.option(
    "--allow-host-path",
    "host_paths",
    multiple=True,
    metavar="PATTERN",
    help="The same for folders of container instances that volumes may be; docker:DRIVER:NAME for Docker's volumes.",
)
@click.option(
    "--allow-task-definition",
    "task_definitions",
    multiple=True,
    metavar="PATTERN",
    help="The same for task definitions, which name roles.",
)
@click.option(
    "--allow-instance-profile", "profiles", multiple=True, metavar="PATTERN", help="The same for instance profiles."
)
@click.option(
    "--allow-user-data", is_flag=True, help="Admit userData, ami and keyName of instances that specs have brought."
)
@click.option(
    "--allow-scheduler",
    "schedulers",
    multiple=True,
    metavar="PATTERN",
    help="The same for addresses of schedulers that run elsewhere, as 'tcp://10.20.*'. Default: any.",
)
@click.option("--permissions-boundary", metavar="ARN", help="Of every role that is made.")
@click.option("--log-format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@click.option("--health-address", metavar="HOST:PORT", help="Serve /healthz there.")
@click.option(
    "--quota",
    "quotas",
    multiple=True,
    metavar="NAME=BURST/RATE",
    callback=lambda _, __, texts: _quotas(texts),
    help="A request rate of ECS or EC2 that AWS has raised, as 'Fargate on-demand tasks=500/100'; may be repeated.",
)
@click.option(
    "--resync",
    default="10m",
    show_default=True,
    metavar="DURATION",
    callback=lambda _, __, text: _seconds(text),
    help="How often what was made on AWS is looked at, for others may have changed it; 0s: only when asked to.",
)
@click.option("--events-queue", metavar="URL", help="SQS queue of ECS's events, as `dask-ecs events setup` prints it.")
def command(
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    install: str,
    default_image: str | None,
    default_gpu_image: str,
    cidrs: tuple[str, ...],
    roles: tuple[str, ...],
    policies: tuple[str, ...],
    secrets: tuple[str, ...],
    host_paths: tuple[str, ...],
    task_definitions: tuple[str, ...],
    profiles: tuple[str, ...],
    allow_user_data: bool,
    schedulers: tuple[str, ...],
    permissions_boundary: str | None,
    form: Literal["text", "json"],
    log_level: str,
    health_address: str | None,
    resync: float,
    events_queue: str | None,
    quotas: dict[str, quota.Limit],
) -> None:
    """Run the operator until it is told to stop.

    Kubernetes is found by KUBECONFIG or the service account; AWS by its standard credential chain, AWS_REGION and
    AWS_ENDPOINT_URL.
    """
    if namespaces and all_namespaces:
        raise click.UsageError("--namespace and --all-namespaces exclude each other.")
    log_format.configure(form=form, level=log_level)
    settings = Settings(
        install=install,
        default_region="",
        default_image=default_image or f"ghcr.io/dask/dask:{importlib.metadata.version('dask')}",
        default_gpu_image=default_gpu_image,
        operator_cidrs=cidrs,
        allow_roles=roles,
        allow_task_role_policies=policies,
        allow_secrets=secrets,
        allow_host_paths=host_paths,
        allow_task_definitions=task_definitions,
        allow_instance_profiles=profiles,
        allow_user_data=allow_user_data,
        allow_schedulers=schedulers or Settings.allow_schedulers,
        permissions_boundary=permissions_boundary,
    )
    options = operator.Options(
        settings=settings,
        namespaces=namespaces or None,
        health_address=health_address,
        events_queue=events_queue,
        resync=resync,
        quotas=quotas,
    )
    try:
        asyncio.run(operator.run(options))
    except operator.StartError as error:
        raise click.ClickException(str(error)) from error
