"""``dask-ecs crds``: the custom resource definitions, as the models in :mod:`dask_ecs.api` make them."""

import pathlib

import click
import yaml

from dask_ecs.api import crd


@click.command("crds")
@click.option("--output", type=click.Path(file_okay=False, path_type=pathlib.Path), help="Write them to this folder.")
@click.option(
    "--check", type=click.Path(file_okay=False, path_type=pathlib.Path), help="Fail if this folder is not up to date."
)
def command(output: pathlib.Path | None, check: pathlib.Path | None) -> None:
    """Print, write or check the custom resource definitions."""
    if output:
        try:
            crd.write(output)
        except OSError as error:
            raise click.ClickException(f"{output} can not be written: {error}. Name another folder.") from error
    elif check:
        if differences := crd.check(check):
            click.echo("\n".join(differences))
            raise click.ClickException(f"{check} is not up to date: run `make crds`.")
    else:
        click.echo(yaml.safe_dump_all(crd.crds(), sort_keys=False), nl=False)
