"""Who may reach a cluster's tasks."""

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True, kw_only=True, order=True)
class Rule:
    """TCP ports that may be reached from a CIDR or from another group's members; from the group's own if neither."""

    from_port: int
    to_port: int
    cidr: str = ""
    group: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What the other users of a group ask of it."""

    rules: frozenset[Rule] = frozenset()
    refused: frozenset[Rule] = frozenset()
    """Of clusters some of whose rules AWS refuses, as too many: what of them is there stays, and no more is tried."""


def rules(*, ports: Iterable[int], cidrs: Iterable[str], groups: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Return a closed group's rules, sorted: all TCP within the group and from `groups`, and `ports` from `cidrs`."""
    all_tcp = {Rule(from_port=0, to_port=65535, group=group) for group in ("", *groups)}
    return tuple(sorted(all_tcp | {Rule(from_port=port, to_port=port, cidr=cidr) for port in ports for cidr in cidrs}))


def rules_for_workers(*, cidrs: Iterable[str]) -> tuple[Rule, ...]:
    """Return the rules of a group of workers whose scheduler is not in it, sorted: all TCP, for it calls them back.

    Dask's workers listen at ports that are free when they start (Dask, "Command Line").
    """
    members = Rule(from_port=0, to_port=65535)
    return tuple(sorted({members} | {Rule(from_port=0, to_port=65535, cidr=cidr) for cidr in cidrs}))
