"""Run the benchmark: `make bench`."""

import asyncio
import logging
import time
import traceback
from pathlib import Path

import click

from bench import plots, report
from bench.bench import Bench, Row
from bench.machine import Machine
from bench.report import Result
from bench.rows import (
    burst,
    first_launch,
    growth,
    many_workers,
    ready,
    real_tasks,
    requests_per_life,
    second_cluster,
    successor,
    thousand,
)

# Deadlines in seconds, of a run in full.
ROWS = (
    Row(name="ready-32", measure=ready.measure, deadline=900),
    Row(name="real-tasks", measure=real_tasks.measure, deadline=240),
    Row(name="second-cluster", measure=second_cluster.measure, deadline=300),
    Row(name="first-launch", measure=first_launch.measure, deadline=420),
    Row(name="burst-1000", measure=burst.measure, deadline=420),
    Row(name="workers-1000", measure=many_workers.measure, deadline=360),
    Row(name="requests-per-life", measure=requests_per_life.measure, deadline=300),
    Row(name="successor", measure=successor.measure, deadline=600),
    Row(name="thousand", measure=thousand.measure, deadline=1500),
    Row(name="growth", measure=growth.measure, deadline=3000),
)


@click.command()
@click.option(
    "--only", multiple=True, type=click.Choice([row.name for row in ROWS]), help="Only this; may be repeated."
)
@click.option("--short", is_flag=True, help="Small numbers: to try the harness, not to measure.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default="build/bench", show_default=True)
def main(only: tuple[str, ...], short: bool, output: Path) -> None:
    """Measure the operator, and write a report."""
    output.mkdir(parents=True, exist_ok=True)
    results = [asyncio.run(_run(row, output.resolve(), short=short)) for row in ROWS if not only or row.name in only]
    drawn = plots.draw([figure for result in results for figure in result.figures], output)
    path = report.write(output, results, short=short, plots=drawn)
    click.echo(f"\n{path}")
    if any(result.failure for result in results):
        raise SystemExit(1)


async def _run(row: Row, output: Path, *, short: bool) -> Result:
    machine, began = Machine.now(), time.monotonic()
    folder = output / row.name
    folder.mkdir(exist_ok=True)
    click.echo(f"\n{row.name} ({machine})")
    figures, failure = [], ""
    try:
        async with asyncio.timeout(row.deadline):
            figures = await row.measure(Bench(folder=folder, peers=output / "peers", short=short))
    except Exception as error:  # the edge of a row: the others are measured nevertheless
        logging.getLogger(__name__).debug("row %s", row.name, exc_info=True)
        traceback.print_exc()
        failure = f"{type(error).__name__}: {error}".strip()
    for figure in figures:
        click.echo(report.line(figure, machine))
        if figure.note:
            click.echo(f"    {figure.note}")
    return Result(row=row.name, machine=machine, seconds=time.monotonic() - began, figures=figures, failure=failure)


main()
