"""The environment variables of a role's container, plain ones and those whose values ECS reads."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dask_ecs.api.spec import DaskClusterSpec, Scheduler, Worker


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variables:
    """Variables by name, each either with its value or with the ARN that the value comes from."""

    plain: tuple[tuple[str, str], ...] = ()
    secret: tuple[tuple[str, str], ...] = ()

    def and_then(self, *, plain: Iterable[tuple[str, str]] = (), secret: Iterable[tuple[str, str]] = ()) -> Variables:
        """Return these and more, which win over those of the same name, secret ones over plain ones.

        ECS takes no definition in which one name is both.
        """
        values, sources = dict(self.plain), dict(self.secret)
        for into, other, added in ((values, sources, plain), (sources, values, secret)):
            for name, value in added:
                other.pop(name, None)
                into[name] = value
        return Variables(plain=tuple(values.items()), secret=tuple(sources.items()))

    @property
    def definition(self) -> dict[str, list[dict[str, str]]]:
        """The container definition's part."""
        part = {"environment": [{"name": name, "value": value} for name, value in self.plain]}
        if self.secret:
            part["secrets"] = [{"name": name, "valueFrom": source} for name, source in self.secret]
        return part


def of_role(spec: DaskClusterSpec, shape: Scheduler | Worker) -> Variables:
    """Return what a user asks for: a role's own variables win over those of the whole cluster."""
    found = Variables()
    for holder in (spec, shape):
        found = found.and_then(
            plain=((variable.name, variable.value) for variable in holder.environment),
            secret=((secret.name, secret.value_from) for secret in holder.secrets),
        )
    return found
