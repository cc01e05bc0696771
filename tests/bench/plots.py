"""The growth plots: one small picture a series, both axes logarithmic, with a dotted line for linear growth."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from bench.figure import Figure


def draw(figures: Sequence[Figure], folder: Path) -> dict[str, str]:
    """Draw every series of more than one point; return file names by caption."""
    names = {}
    for series in dict.fromkeys(figure.series for figure in figures if figure.series):
        points = [
            (figure.at, figure.measured)
            for figure in figures
            if figure.series == series and figure.at and figure.measured is not None
        ]
        if len(points) > 1:
            unit = next(figure.unit for figure in figures if figure.series == series)
            slug = "".join(letter if letter.isalnum() else "-" for letter in series.lower())
            names[series] = f"growth-{slug.strip('-')}.png"
            _draw(series, unit, points, folder / names[series])
    return names


def _draw(series: str, unit: str, points: Sequence[tuple[int, float]], path: Path) -> None:
    numbers, values = zip(*points, strict=True)
    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    axes.plot(numbers, values, marker="o", label="measured")
    if values[-1] > 0:
        linear = [values[-1] * number / numbers[-1] for number in numbers]
        axes.plot(numbers, linear, linestyle=":", color="gray", label="linear")
    axes.set(title=series, xlabel="clusters", ylabel=unit, xscale="log")
    # Symmetric: nothing at all is a good value here.
    axes.set_yscale("symlog", linthresh=max(min((value for value in values if value > 0), default=1.0), 1e-3))
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)
