"""The command `dask-ecs local aws`, also `python -m dask_ecs.local.aws`."""

from __future__ import annotations

import asyncio
import gc
import logging
from pathlib import Path
from typing import Literal

import click

from .addresses import DEFAULT_VPC
from .delays import PROFILES, profile


@click.command("aws")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option(
    "--executor",
    type=click.Choice(["process", "sim"]),
    default="process",
    show_default=True,
    help="Run containers as real processes, or simulate Dask's for scale.",
)
@click.option(
    "--profile",
    "profile_name",
    type=click.Choice(sorted(PROFILES)),
    default="default",
    show_default=True,
    help="How long tasks take from state to state.",
)
@click.option(
    "--image-table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file with more rows for the image table.",
)
@click.option("--region", default="eu-west-1", show_default=True, help="Region whose default VPC is made at start.")
@click.option("--vpc", default=DEFAULT_VPC, show_default=True, metavar="CIDR", help="Range of the default VPCs.")
@click.option("--throttle", is_flag=True, help="Enforce ECS' documented request rates.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the faults with a probability.")
@click.option("--until-stdin-closes", is_flag=True, help="End when standard input closes, so with the starter.")
def command(
    *,
    port: int,
    executor: Literal["process", "sim"],
    profile_name: str,
    image_table: Path | None,
    region: str,
    vpc: str,
    throttle: bool,
    seed: int,
    until_stdin_closes: bool,
) -> None:
    """Serve an AWS on loopback whose ECS really runs tasks, until Ctrl-C.

    Prints `ready http://127.0.0.1:PORT` when it serves. Point AWS_ENDPOINT_URL there, with any access key.
    """
    from .images import read_table

    gc.disable()  # moto's tables stay, and looking for garbage among them takes a fifth of the time of loading
    from .server import Settings, serve

    gc.freeze()
    gc.enable()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = Settings(
        port=port,
        executor=executor,
        delays=profile(profile_name),
        images=tuple(read_table(image_table)) if image_table else (),
        throttle=throttle,
        seed=seed,
        region=region,
        vpc=vpc,
        until_stdin_closes=until_stdin_closes,
    )
    asyncio.run(serve(settings))
