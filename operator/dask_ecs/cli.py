"""The command line: `dask-ecs`."""

import contextlib
import gc
import importlib
from collections.abc import Iterator

import click

_COMMANDS = {
    "crds": "dask_ecs.command_line.crds:command",
    "demo": "dask_ecs.local.cli:demo",
    "describe": "dask_ecs.command_line.describe:command",
    "events": "dask_ecs.command_line.events:command",
    "iam-policy": "dask_ecs.command_line.iam_policy:command",
    "local": "dask_ecs.local.cli:local",
    "logs": "dask_ecs.command_line.logs:command",
    "plan": "dask_ecs.command_line.plan:command",
    "run": "dask_ecs.command_line.run:command",
}


class _Commands(click.Group):
    """Commands, each loaded when it is asked for: some need seconds, and those of the local stack the extra `local`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        try:
            with _uncollected():
                command: click.Command = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"`dask-ecs {cmd_name}` needs more than the operator does (no module {error.name}): "
                "pip install 'dask-ecs-operator[local]'"
            ) from error
        return command


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from what stays anyway: looking through it takes a fifth of the time of loading."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@click.group(cls=_Commands)
@click.version_option(package_name="dask-ecs-operator")
def main() -> None:
    """Dask clusters on AWS ECS, as Kubernetes resources."""
