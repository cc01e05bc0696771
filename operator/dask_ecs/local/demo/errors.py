"""What ends the demo."""

from dask_ecs.local.errors import LocalError


class DemoError(LocalError):
    """Something is not as it should be; the message says what."""


def check(fact: bool, otherwise: str) -> None:
    """Raise :class:`DemoError` saying ``otherwise`` unless ``fact`` is so."""
    if not fact:
        raise DemoError(otherwise)
