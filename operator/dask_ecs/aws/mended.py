"""Telling what was found on AWS otherwise than it was made, and was put right."""

from collections.abc import Callable

Tell = Callable[[str], None]
"""Is told, in a sentence, of each thing that was found otherwise and mended."""


def nobody(_: str) -> None:
    """Whoever makes a thing for the first time need not be told that it was not there."""
