import datetime

import pytest

from dask_ecs.api.daskcluster import DaskCluster
from dask_ecs.controllers.memory import Memory
from dask_ecs.plan.actions import EnsureSecurityGroup
from dask_ecs.plan.observed import Hold
from dask_ecs.plan.security_group import rules

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def refuse(memory: Memory, *, reason: str = "Throttled", transient: bool = True, now: datetime.datetime) -> Hold:
    return memory.hold(
        "worker", reason=reason, message="", generation=1, transient=transient, waits_for_user=False, now=now
    )


def test_calls_of_one_round_that_fail_together_count_once() -> None:
    memory = Memory(launches=())
    assert {refuse(memory, now=NOW).attempts for _ in range(15)} == {1}


def test_each_round_that_fails_counts_and_waits_longer() -> None:
    memory = Memory(launches=())
    first = refuse(memory, now=NOW)
    second = refuse(memory, now=first.retry_at)
    assert second.attempts == 2
    assert second.retry_at - first.retry_at > first.retry_at - NOW


def test_a_new_role_is_given_some_seconds_at_once_and_then_tried_often() -> None:
    memory = Memory(launches=())
    first = refuse(memory, reason="RoleNotAssumable", now=NOW)
    second = refuse(memory, reason="RoleNotAssumable", now=first.retry_at)
    assert first.retry_at - NOW == datetime.timedelta(seconds=2)
    assert second.retry_at - first.retry_at <= datetime.timedelta(seconds=2)


@pytest.mark.parametrize("reason", ["NoGPUs", "NoRoomOnInstances"])
def test_what_a_task_that_has_just_ended_still_takes_of_an_instance_is_soon_asked_for_again(reason: str) -> None:
    memory = Memory(launches=())
    first = refuse(memory, reason=reason, transient=False, now=NOW)
    second = refuse(memory, reason=reason, transient=False, now=first.retry_at)
    assert first.retry_at - NOW == datetime.timedelta(seconds=2)
    assert second.retry_at - first.retry_at >= datetime.timedelta(seconds=10)  # now it is somebody else's


def test_what_was_to_end_by_itself_and_does_not_waits_for_somebody_in_the_end() -> None:
    memory, now = Memory(launches=()), NOW
    holds = []
    for _ in range(12):
        holds.append(refuse(memory, now=now))
        now = holds[-1].retry_at
    assert not holds[0].waits_for_user
    assert holds[-1].waits_for_user


def test_a_launch_that_somebody_else_wrote_may_have_been_sent_until_now() -> None:
    written = {"token": "a", "role": "worker", "count": 1, "requestHash": "b", "time": "2026-01-01T00:00:00Z"}
    metadata = {"name": "demo", "namespace": "team", "uid": "u", "generation": 1}
    cluster = DaskCluster.read({"metadata": metadata, "spec": {}, "status": {"launches": [written]}})
    now = NOW + datetime.timedelta(minutes=5)
    (launch,) = Memory.of(cluster, busy=True, now=now).launches
    assert (launch.written_at, launch.sent_until) == (NOW, now)


def group(*cidrs: str) -> EnsureSecurityGroup:
    return EnsureSecurityGroup(name="made", vpc_id="vpc-1", rules=rules(ports=[8786], cidrs=cidrs), tags={})


def test_other_rules_than_before_are_noticed_also_when_the_group_was_not_planned_in_between() -> None:
    memory, first, second = Memory(launches=()), group("10.0.0.0/16"), group("10.9.0.0/16")
    assert memory.want([first]) == ()
    assert memory.want([first]) == ()
    assert memory.want([]) == ()
    assert memory.ingress == first.rules
    assert memory.want([second]) == (second.fingerprint,)
    assert memory.ingress == second.rules


def test_a_new_request_has_what_waits_tried_at_once() -> None:
    memory = Memory(launches=(), generation=1, requested="noon", answers={"made": "once"})
    refuse(memory, now=NOW)
    assert not memory.see(1, requested="noon", now=NOW)
    assert memory.holds
    assert not memory.see(1, requested="one o'clock", now=NOW), "what was made stands until it is looked at"
    assert not memory.holds
    assert not memory.answers
    assert (memory.requested, memory.looked_for) == ("one o'clock", None)
    assert memory.edited_at == NOW
    assert not memory.see(1, requested="one o'clock", now=NOW)
    assert not memory.see(1, requested=None, now=NOW), "the annotation was removed"
