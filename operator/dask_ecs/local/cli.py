"""``dask-ecs local``: a Kubernetes control plane and an AWS on this machine, to play with and to test on."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click

from dask_ecs.local.aws.cli import command as aws
from dask_ecs.local.aws.delays import PROFILES
from dask_ecs.local.aws.handle import LocalAWSError
from dask_ecs.local.errors import LocalError


@click.group()
def local() -> None:
    """Run Kubernetes and AWS on this machine (loopback only)."""


local.add_command(aws)


@local.command()
@click.option(
    "--executor",
    type=click.Choice(["process", "sim"]),
    default="process",
    show_default=True,
    help="Run containers as real processes, or simulate Dask's for scale.",
)
@click.option(
    "--profile",
    type=click.Choice(sorted(PROFILES)),
    default="default",
    show_default=True,
    help="How long tasks take from state to state.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Use the cluster of this file, not one made for the purpose.",
)
@click.option("--context", help="Use the cluster of this context, not one made for the purpose.")
@click.option("--crds/--no-crds", default=True, show_default=True, help="Apply the CRDs to the cluster.")
def up(
    *,
    executor: Literal["process", "sim"],
    profile: str,
    kubeconfig: Path | None,
    context: str | None,
    crds: bool,
) -> None:
    """Bring up a control plane and an AWS, print what a shell needs to use them, and stay until Ctrl-C."""
    with _told_to_the_user():
        from dask_ecs.local import foreground
        from dask_ecs.local.stack import GivenCluster, Stack

        cluster = GivenCluster(kubeconfig=kubeconfig, context=context) if kubeconfig or context else None
        start = Stack.start(executor=executor, profile=profile, cluster=cluster, install_crds=crds)
        with foreground.interrupted_by_signals(), start as stack:
            foreground.stay(stack.environment, check=stack.check)


@local.command()
def control_plane() -> None:
    """Bring up a control plane alone, print what a shell needs to use it, and stay until Ctrl-C."""
    with _told_to_the_user():
        from dask_ecs.local import foreground
        from dask_ecs.local.controlplane.run import ControlPlane

        with foreground.interrupted_by_signals(), ControlPlane.start() as plane:
            foreground.stay({"KUBECONFIG": str(plane.kubeconfig)}, check=plane.check)


@local.command()
def build() -> None:
    """Build the control plane's programs, where they are not built yet, and print where they are."""
    with _told_to_the_user():
        from dask_ecs.local.controlplane import binaries

        click.echo(binaries.find(os.environ).kube_apiserver.parent)


@click.command()
@click.option("--keep", is_flag=True, help="Stay, with the first Dask cluster running, until Ctrl-C.")
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Use the cluster of this file, not one made for the purpose. No other operator may run in it.",
)
@click.option("--context", help="The same of this context.")
@click.option(
    "--examples",
    type=click.Path(path_type=Path),
    default=Path("examples"),
    show_default=True,
    help="Folder with the manifests.",
)
def demo(*, keep: bool, kubeconfig: Path | None, context: str | None, examples: Path) -> None:
    """Show a Dask cluster's whole life: apply, compute, scale, break, delete; on Fargate and on EC2 with GPUs.

    Kubernetes, the operator and Dask are real; AWS is `dask-ecs local aws`, which runs ECS tasks as processes. Every
    step is checked: it ends with an error as soon as something is not as shown.
    """
    with _told_to_the_user():
        from dask_ecs.local import foreground
        from dask_ecs.local.demo.story import tell
        from dask_ecs.local.stack import GivenCluster

        cluster = GivenCluster(kubeconfig=kubeconfig, context=context) if kubeconfig or context else None
        with foreground.interrupted_by_signals():
            tell(examples=examples, keep=keep, cluster=cluster)


@contextlib.contextmanager
def _told_to_the_user() -> Iterator[None]:
    """Turn the errors that name their own cure into messages without a traceback."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is missing: pip install 'dask-ecs-operator[local]'") from error
    except (LocalError, LocalAWSError) as error:
        raise click.ClickException(str(error)) from error
