"""An object whose things are in another AWS account than the operator's credentials are of: nothing is done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dask_ecs.plan import conditions

if TYPE_CHECKING:
    import datetime

    from dask_ecs.api.status import DaskClusterStatus
    from dask_ecs.plan.target import Target

REASON = "OtherAccount"


def status(target: Target, *, account_id: str | None, now: datetime.datetime) -> DaskClusterStatus | None:
    """Return what is to be said of a cluster of another account than this; None if it is of this one, or of none yet.

    Whoever went on would make all of it a second time here, and lose what is there.
    """
    before, metadata = target.cluster.status, target.cluster.metadata
    retained = metadata.deletion_timestamp and target.cluster.spec.deletion_policy == "Retain"
    if account_id is None or before.account_id in (None, account_id) or retained:
        return None
    message = (
        f"The cluster is in AWS account {before.account_id}, and the operator's credentials are of account "
        f"{account_id} now: nothing of it is looked at, made or deleted. Give the operator a role in "
        f"{before.account_id} again (its service account's annotation, or AWS_PROFILE), and restart it."
    )
    if metadata.deletion_timestamp and target.cluster.spec.is_isolated:
        message += " Or set spec.deletionPolicy to Retain: the object goes, and what is on AWS stays there."
    said = {
        "Ready": conditions.Said(status="Unknown", reason=REASON, message=message),
        "Reconciling": conditions.Said(status="False", reason=REASON),
        "Stalled": conditions.Said(status="True", reason=REASON, message=message),
    }
    generation = metadata.generation
    return before.model_copy(
        update={
            "phase": "Deleting" if metadata.deletion_timestamp else "Degraded",
            "observed_generation": generation,
            "conditions": conditions.stamp(before.conditions, said, generation=generation, now=now),
        }
    )
