"""Reading what a scheduler or worker says of the packages that it is made of."""

from __future__ import annotations

import re

from dask_ecs.api.versions import Versions
from dask_ecs.dask import answer
from dask_ecs.dask.errors import SchedulerProtocolError

# Ours: `distributed.versions` names some ten packages.
_MOST_PACKAGES = 256

# What Python's and its packages' versions are written with (PEP 440).
_VERSION = re.compile(r"[A-Za-z0-9.+!_-]{1,64}")

# `sys.version_info` as `distributed.versions` writes it: 3.12.7.final.0.
_PYTHON = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


# What a scheduler gives of a client (distributed's `ClientState.versions`), in this order.
OF_A_CLIENT = ("python", "dask", "distributed")


def of_client(packed: memoryview) -> Versions:
    """Read the list of versions by which a scheduler tells of a client; what is none is empty there."""
    listed = tuple(answer.items(packed, most=len(OF_A_CLIENT)))
    told = dict(zip(OF_A_CLIENT, listed, strict=False))
    return Versions(
        python=_text(told, "python", _PYTHON),
        dask=_text(told, "dask", _VERSION),
        distributed=_text(told, "distributed", _VERSION),
    )


def versions(packed: memoryview) -> Versions:
    """Read what a scheduler or worker answers to `versions`."""
    fields = dict(answer.entries(packed, most=64))
    if "packages" not in fields:
        raise SchedulerProtocolError("The scheduler's answer does not give any packages")
    packages = dict(answer.entries(fields["packages"], most=_MOST_PACKAGES))
    return Versions(
        python=_text(packages, "python", _PYTHON),
        dask=_text(packages, "dask", _VERSION),
        distributed=_text(packages, "distributed", _VERSION),
    )


def _text(packages: dict[str, memoryview], name: str, form: re.Pattern[str]) -> str | None:
    if name not in packages or answer.is_nil(packages[name]):  # it is not installed
        return None
    found = form.match(answer.text(packages[name]))
    return found.group() if found else None
