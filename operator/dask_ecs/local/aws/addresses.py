"""Addresses of one subnet: each task has one to itself, and a freed one rests."""

from __future__ import annotations

import ipaddress
import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESERVED: Final = 4
"""AWS keeps the first four addresses of a subnet and its last ("Subnet CIDR blocks", VPC guide)."""


class NoAddressError(Exception):
    """Every address of the subnet is taken or rests."""


class AddressPool:
    """Gives out a subnet's addresses, those never used first."""

    def __init__(self, cidr: str) -> None:
        network = ipaddress.IPv4Network(cidr)
        first, last = int(network.network_address) + _RESERVED, int(network.broadcast_address)
        self._fresh: Iterator[int] = iter(range(first, last))
        self._freed: deque[tuple[float, str]] = deque()

    def take(self, *, rest: float) -> str:
        """Return an address that nobody had for `rest` seconds; raise NoAddressError."""
        if (fresh := next(self._fresh, None)) is not None:
            return str(ipaddress.IPv4Address(fresh))
        if self._freed and self._freed[0][0] + rest <= time.monotonic():
            return self._freed.popleft()[1]
        raise NoAddressError

    def free(self, address: str) -> None:
        """Take the address back."""
        self._freed.append((time.monotonic(), address))
