"""That a deleted DaskCluster has left nothing on AWS."""

from collections.abc import Mapping

from dask_ecs.local.demo.account import LOG_GROUPS, Inventory, table
from dask_ecs.local.demo.errors import check
from dask_ecs.local.demo.transcript import Transcript


def prove_nothing_is_left(transcript: Transcript, *, before: Inventory, during: Inventory, after: Inventory) -> None:
    """Show what the account held, and check that it holds now what it held before, and the log group besides.

    Raises :class:`DemoError`, also when there was nothing ``during`` the cluster's life: then this proves nothing.
    """
    transcript.say("What the account holds, asked of ECS, EC2, IAM and CloudWatch Logs:")
    transcript.table(table({"before": before, "while it ran": during, "now": after}))
    check(bool(during.beyond(before)), "the account held nothing of the DaskCluster while that ran")
    left = after.beyond(before)
    left.pop(LOG_GROUPS, None)
    check(not left, f"AWS still holds of the DaskCluster: {_listed(left)}")
    taken = before.beyond(after)
    check(not taken, f"AWS does not hold any more what was there before the DaskCluster: {_listed(taken)}")
    transcript.good("nothing is left of it but the log group, which is kept on purpose")


def _listed(names: Mapping[str, frozenset[str]]) -> str:
    return "; ".join(f"{kind}: {', '.join(sorted(each))}" for kind, each in names.items())
