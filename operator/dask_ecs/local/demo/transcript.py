"""What the demo prints: a terminal's transcript, from several threads at once."""

import os
import sys
import threading
from collections.abc import Sequence
from typing import TextIO

_BOLD, _DIM, _CYAN, _GREEN = "1", "2", "36", "32"  # ECMA-48, "Select graphic rendition"


_LONGEST = 160
"""Characters of a line of a command in the background that are shown: the reader has other things to see."""


class Transcript:
    """Headings, commands and their output, line by line; in colours where a person reads them."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._coloured = self._out.isatty() and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()
        self._headings = 0

    def heading(self, text: str) -> None:
        """Begin a step."""
        self._headings += 1
        self._print("", self._in(_BOLD, f"── {self._headings}. {text} ".ljust(88, "─")), "")

    def command(self, text: str) -> None:
        """Show a command that runs now."""
        self._print(self._in(_CYAN, f"$ {text}"))

    def output(self, text: str) -> None:
        """Show what a command wrote."""
        self._print(*text.splitlines())

    def marked(self, mark: str, line: str) -> None:
        """Show a line of a command that runs in the background, its beginning if it is long."""
        cut = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
        self._print(f"{self._in(_DIM, f'{mark:>6} │')} {cut}")

    def say(self, text: str) -> None:
        """Say something about what is seen."""
        self._print(self._in(_DIM, f"# {text}"))

    def good(self, text: str) -> None:
        """Say that a check is passed."""
        self._print(self._in(_GREEN, f"✓ {text}"))

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Show rows in columns; the first column is text, the others are figures."""
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        for first, *others in rows:
            figures = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            self._print("  ".join(["", first.ljust(widths[0]), *figures]))

    def _print(self, *lines: str) -> None:
        with self._lock:
            for line in lines:
                print(line, file=self._out)
            self._out.flush()

    def _in(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._coloured else text
