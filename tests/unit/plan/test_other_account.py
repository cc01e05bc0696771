"""Credentials of another account than a cluster's."""

from dask_ecs.api.conditions import find_condition
from dask_ecs.plan import other_account

from .world import World, running


def said(world: World, account_id: str | None) -> tuple[str, str, str] | None:
    status = other_account.status(world.target, account_id=account_id, now=world.now)
    if status is None:
        return None
    ready, stalled = (find_condition(status.conditions, name) for name in ("Ready", "Stalled"))
    assert ready
    assert stalled
    assert stalled.reason == "OtherAccount"
    assert status.account_id == world.target.cluster.status.account_id
    return ready.status, stalled.status, stalled.message


def test_a_cluster_of_another_account_waits_for_credentials_of_that_account() -> None:
    world = running(replicas=1)
    ready, stalled, message = said(world, "999999999999") or ("", "", "")
    assert (ready, stalled) == ("Unknown", "True")
    assert "in AWS account 123456789012" in message
    assert "999999999999 now" in message


def test_a_cluster_of_this_account_or_of_none_yet_is_not_held_up() -> None:
    world = running(replicas=1)
    assert said(world, "123456789012") is None
    assert said(world, None) is None, "AWS did not tell"
    assert said(World(), "999999999999") is None


def test_a_deletion_waits_for_that_account_too_unless_what_is_there_is_to_stay() -> None:
    world = running(replicas=1, isolation="cluster")
    world.delete()
    told = said(world, "999999999999")
    assert told
    assert "deletionPolicy to Retain" in told[2]
    world.edit(isolation="cluster", deletionPolicy="Retain")
    assert said(world, "999999999999") is None
