"""Addresses of one subnet: each task has one to itself, and a freed one rests.

Several servers can run on one machine, and all of them have the same subnets. So a server claims a subnet's addresses
in blocks, each by a socket bound in it: the kernel gives a block to one server only, and takes it back when that ends.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_VPC: Final = "127.77.0.0/16"
"""Loopback, so that every address in it can be bound without privileges."""

_RESERVED: Final = 4
"""AWS keeps the first four addresses of a subnet and its last ("Subnet CIDR blocks", VPC guide)."""
_BLOCK: Final = 64
_CLAIM_PORT: Final = 47_707
"""Any port that no task is likely to use, by UDP."""


class NoAddressError(Exception):
    """Every address of the subnet is taken or rests."""


class AddressPool:
    """Gives out a subnet's addresses."""

    def __init__(self, cidr: str) -> None:
        network = ipaddress.IPv4Network(cidr)
        first, last = int(network.network_address) + _RESERVED, int(network.broadcast_address)
        self._blocks: Iterator[range] = (
            range(max(start, first), min(start + _BLOCK, last)) for start in range(first - _RESERVED, last, _BLOCK)
        )
        self._claims: list[socket.socket] = []
        self._fresh: Iterator[int] = iter(())
        self._freed: deque[tuple[float, str]] = deque()

    def take(self, *, rest: float) -> str:
        """Return an address that no task had for `rest` seconds; raise NoAddressError."""
        if (fresh := next(self._fresh, None)) is not None:
            return str(ipaddress.IPv4Address(fresh))
        if self._freed and self._freed[0][0] + rest <= time.monotonic():
            return self._freed.popleft()[1]
        for block in self._blocks:
            if self._claim(block):
                self._fresh = iter(block)
                return self.take(rest=rest)
        raise NoAddressError

    def free(self, address: str) -> None:
        """Take the address back."""
        self._freed.append((time.monotonic(), address))

    def _claim(self, block: range) -> bool:
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind((str(ipaddress.IPv4Address(block.start)), _CLAIM_PORT))
        except OSError:
            # Another server has it, or it is not on loopback: then it can not be a task's either.
            claim.close()
            return False
        self._claims.append(claim)
        return True
