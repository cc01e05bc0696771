"""The report: Markdown for people, JSON for programs."""

import dataclasses
import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Figure
from bench.machine import Machine

_HEAD = "| figure | floor or peer | to reach | measured | | n | measured on |\n|---|---|---|---|---|---|---|"
_MARK = {True: "✓", False: "✗", None: ""}


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of a row: its figures, or why there are none; on what machine; in how many seconds."""

    row: str
    machine: Machine
    seconds: float
    figures: Sequence[Figure] = ()
    failure: str = ""


def line(figure: Figure, machine: Machine) -> str:
    """Return a figure as a line of a Markdown table."""
    value = "-" if figure.measured is None else f"{rounded(figure.measured)} {figure.unit}".strip()
    cells = [figure.name, figure.compared, figure.to_reach, value, _MARK[figure.reached], str(figure.n), str(machine)]
    return f"| {' | '.join(cells)} |"


def rounded(value: float) -> str:
    """Return a number with as many digits as it is worth."""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def markdown(results: Sequence[Result], *, short: bool, plots: Mapping[str, str]) -> str:
    """Return the whole report; `plots` are file names by caption."""
    machine = results[0].machine
    took = sum(result.seconds for result in results)
    parts = [
        "# Benchmark" + (" (short form: small numbers, for the harness alone)" if short else ""),
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, {machine.cores} cores ({machine.processor}), "
        f"{machine.memory_gib} GiB, Python {machine.python}; {took / 60:.0f} min in all.",
    ]
    for result in results:
        parts.append(f"## {result.row}")
        if result.figures:
            parts.append("\n".join([_HEAD, *(line(figure, result.machine) for figure in result.figures)]))
            notes = [f"- {figure.name}: {figure.note}" for figure in result.figures if figure.note]
            parts += ["\n".join(notes)] if notes else []
        if result.failure:
            parts.append(f"**Not measured**: {result.failure}")
    parts += [f"![{caption}]({name})" for caption, name in plots.items()]
    return "\n\n".join(parts) + "\n"


def write(folder: Path, results: Sequence[Result], *, short: bool, plots: Mapping[str, str]) -> Path:
    """Write report.md and report.json; return the first."""
    path = folder / "report.md"
    path.write_text(markdown(results, short=short, plots=plots))
    rows = [
        {
            **{name: value for name, value in dataclasses.asdict(result).items() if name != "figures"},
            "figures": [
                {**dataclasses.asdict(figure), "to_reach": figure.to_reach, "reached": figure.reached}
                for figure in result.figures
            ],
        }
        for result in results
    ]
    (folder / "report.json").write_text(json.dumps({"short": short, "rows": rows}, indent=1) + "\n")
    return path
