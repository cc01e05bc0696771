"""Ranges of IP addresses, as options take them."""

import ipaddress
from typing import Any

import click


class _AddressRange(click.ParamType[str]):
    name = "cidr"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the range as EC2 writes it: of one that it writes otherwise a security group would never be right."""
        try:
            address = ipaddress.ip_interface(value if "/" in value else "")
        except ValueError:
            self.fail(
                f"{value!r} is not a range of IP addresses: write it as 10.0.0.0/16, or 10.0.1.7/32 for one address.",
                param,
                ctx,
            )
        if address.ip != address.network.network_address:
            self.fail(
                f"{value!r}: the range has bits set beyond its prefix: write {address.network}, or {address.ip}/"
                f"{address.max_prefixlen} for one address.",
                param,
                ctx,
            )
        return str(address.network)


ADDRESS_RANGE = _AddressRange()
