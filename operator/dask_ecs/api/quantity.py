"""Kubernetes quantities, read as what ECS counts in: CPU units and MiB."""

import functools
import re
from fractions import Fraction

CPU_UNITS_PER_VCPU = 1024
"""ECS counts CPU in 1024ths of a vCPU (ECS developer guide, "Task size")."""

BYTES_PER_MIB = 2**20

_SUFFIXES = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 10**3),
    "": Fraction(1),
    **{suffix: Fraction(1000**power) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Fraction(1024**power) for power, suffix in enumerate("KMGTPE", start=1)},
}
"""What Kubernetes calls decimal and binary SI suffixes ("Quantity", Kubernetes API reference)."""

# At most two digits of exponent: more could only be a mistake, or meant to cost memory.
_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?P<scale>[eE][+-]?\d{1,2}|[numkMGTPE]|[KMGTPE]i|)", re.ASCII
)


class InvalidQuantityError(ValueError):
    """The text is no Kubernetes quantity, or a negative one."""


@functools.lru_cache(maxsize=1024)
def parse(text: str | int | float) -> Fraction:
    """Read a Kubernetes quantity exactly: `4`, `500m`, `"0.25"`, `4Gi`, `16G`, `1e3`.

    Raises:
        InvalidQuantityError: the text is no quantity.

    """
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise InvalidQuantityError(
            f"{text!r} is not a Kubernetes quantity: write a number and, without a space, a unit, as in 500m or 4Gi"
        )
    number, scale = match["number"], match["scale"]
    return Fraction(number) * _SUFFIXES[scale] if scale in _SUFFIXES else Fraction(number + scale)


def parse_cpu(text: str | int | float) -> int:
    """Read vCPUs (`4`, `500m`, `"0.25"`) as ECS CPU units (1024 = 1 vCPU), a fraction of a unit cut off.

    Raises:
        InvalidQuantityError: the text is no quantity, or a negative one.

    """
    return _at_least_zero(text, parse(text)) * CPU_UNITS_PER_VCPU // 1


def parse_memory(text: str | int | float) -> int:
    """Read memory (`4Gi`, `512Mi`, `16G`; a number without a unit is bytes) as MiB, a fraction of one cut off.

    Raises:
        InvalidQuantityError: the text is no quantity, or a negative one.

    """
    return _at_least_zero(text, parse(text)) // BYTES_PER_MIB


def _at_least_zero(text: str | int | float, value: Fraction) -> Fraction:
    if value < 0:
        raise InvalidQuantityError(f"{text!r} is negative: write a quantity of zero or more")
    return value


def is_quantity(text: str) -> bool:
    """Whether the text is a Kubernetes quantity; CEL's `isQuantity`."""
    return _QUANTITY.fullmatch(text) is not None


def format_cpu(cpu_units: int) -> str:
    """Write ECS CPU units as vCPUs in a manifest, to a thousandth: `4`, or `250m` for a quarter."""
    whole, rest = divmod(cpu_units, CPU_UNITS_PER_VCPU)
    return str(whole) if not rest else f"{cpu_units * 1000 // CPU_UNITS_PER_VCPU}m"


def format_memory(mib: int) -> str:
    """Write MiB as a person would in a manifest: `16Gi`, or `512Mi`."""
    whole, rest = divmod(mib, 1024)
    return f"{mib}Mi" if rest else f"{whole}Gi"
