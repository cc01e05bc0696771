"""What tools that know no DaskCluster make of one: the rules of sigs.k8s.io/cli-utils' kstatus for custom resources."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

Kstatus = Literal["Current", "InProgress", "Failed", "Terminating"]

_RETRY = re.compile(r"It is tried again at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\.")


def kstatus(body: Mapping[str, Any] | None) -> Kstatus:
    """Return an object's state, by the rules in their order."""
    assert body is not None
    status = body.get("status", {})
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions", ())}
    if body["metadata"].get("deletionTimestamp"):
        return "Terminating"
    if status.get("observedGeneration") != body["metadata"]["generation"]:
        return "InProgress"
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    return "Current" if conditions.get("Ready", "True") == "True" else "InProgress"


def retry_at(condition: Mapping[str, Any]) -> datetime:
    """Return when a condition's message says that the operator tries again."""
    found = _RETRY.search(condition["message"])
    assert found, condition["message"]
    return datetime.fromisoformat(found[1])
