"""``dask-ecs run``: the operator, and what a platform team may set of it."""

import asyncio
from typing import Any, Literal

import click

from dask_ecs.api.duration import parse_duration
from dask_ecs.command_line import operator_settings
from dask_ecs.command_line.install import INSTALL
from dask_ecs.controllers import log_format
from dask_ecs.controllers import run as operator
from dask_ecs.plan import quota

LEAST_RESYNC = 1
"""Seconds: with less the operator would do nothing but look."""


def _quotas(texts: tuple[str, ...]) -> dict[str, quota.Limit]:
    try:
        return dict(quota.parse_quota(text) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _resync(text: str) -> float:
    try:
        seconds = parse_duration(text).total_seconds()
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if 0 < seconds < LEAST_RESYNC:
        raise click.BadParameter(f"{text} is too often: write {LEAST_RESYNC}s or more, as 10m, or 0s for never")
    return seconds


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
@operator_settings.options
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
    callback=lambda _, __, text: _resync(text),
    help="How often what was made on AWS is looked at, for others may have changed it; 0s: only when asked to.",
)
@click.option("--events-queue", metavar="URL", help="SQS queue of ECS's events, as `dask-ecs events setup` prints it.")
def command(
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    install: str,
    form: Literal["text", "json"],
    log_level: str,
    health_address: str | None,
    resync: float,
    events_queue: str | None,
    quotas: dict[str, quota.Limit],
    **given: Any,
) -> None:
    """Run the operator until it is told to stop.

    Kubernetes is found by KUBECONFIG or the service account; AWS by its standard credential chain, AWS_REGION and
    AWS_ENDPOINT_URL.
    """
    if namespaces and all_namespaces:
        raise click.UsageError("--namespace and --all-namespaces exclude each other.")
    log_format.configure(form=form, level=log_level)
    options = operator.Options(
        settings=operator_settings.of_options(given, install=install, default_region=""),
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
