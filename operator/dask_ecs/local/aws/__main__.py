"""`python -m dask_ecs.local.aws`."""

from .cli import command

command(prog_name="python -m dask_ecs.local.aws")
