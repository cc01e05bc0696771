"""How long what takes time on AWS takes here; settable while the server runs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final


@dataclass(slots=True)
class Delays:
    """All in seconds of wall clock."""

    provisioning: float = 0.3
    """PROVISIONING: a task waits for its elastic network interface."""
    pending: float = 0.3
    """PENDING: the image is pulled."""
    activating: float = 0.0
    """ACTIVATING, before the containers start; with 0 the state is not shown."""
    deactivating: float = 0.0
    """DEACTIVATING, before a stopped task's containers get SIGTERM; with 0 the state is not shown."""
    deprovisioning: float = 0.2
    """DEPROVISIONING: the elastic network interface is detached and deleted."""
    stopped_visible: float = 3600.0
    """How long a STOPPED task can still be described ("at least one hour", StopTask in the ECS API reference)."""
    role_assumable: float = 2.0
    """How old an IAM role must be before ECS can assume it (IAM is eventually consistent)."""
    instance_registration: float = 1.0
    """From RunInstances until the container agent has registered the instance."""
    scale_out: float = 0.3
    """How often managed scaling looks whether tasks wait for instances."""
    scale_in: float = 10.0
    """How long an instance is without tasks until managed scaling ends it; on AWS 15 minutes or more."""
    event_delivery: float = 0.05
    """From a task's change until the event is in the queues of the EventBridge rules that match it."""
    address_rest: float = 30.0
    """How long a freed address rests before another task can have it."""

    def update(self, changes: dict[str, Any]) -> None:
        """Set the named delays; raise ValueError for an unknown name or a negative time."""
        known = {field.name for field in dataclasses.fields(self)}
        for name, seconds in changes.items():
            if name not in known:
                raise ValueError(f"unknown delay {name!r}; known are {', '.join(sorted(known))}")
            if not isinstance(seconds, int | float) or seconds < 0:
                raise ValueError(f"delay {name!r} must be a number of seconds, at least 0")
        for name, seconds in changes.items():
            setattr(self, name, float(seconds))


PROFILES: Final[dict[str, dict[str, float]]] = {
    "default": {},
    # About what Fargate takes for an image of some hundred MB.
    "fargate-like": {"provisioning": 8.0, "pending": 20.0, "deprovisioning": 10.0, "role_assumable": 8.0},
}


def profile(name: str) -> Delays:
    """Return the delays of the profile, one of PROFILES."""
    return Delays(**PROFILES[name])
