"""Images by digest: what a role's tasks run in place of a tag."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dask_ecs.api.status import ImageDigest
    from dask_ecs.plan.observed import Role


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pins:
    """The image of each role, by digest; None where it is the one that the spec names."""

    scheduler: str | None = None
    worker: str | None = None

    def of(self, role: Role) -> str | None:
        """Return a role's."""
        return self.scheduler if role == "scheduler" else self.worker


NO_PINS = Pins()


def reference(resolved: ImageDigest) -> str:
    """Return the name by which ECS pulls exactly this image: `ghcr.io/dask/dask@sha256:...`."""
    path, slash, last = resolved.image.rpartition("/")
    # A colon before the last slash belongs to the registry's port.
    return f"{path}{slash}{last.partition(':')[0]}@{resolved.digest}"
