from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dask_ecs.aws import operations
from dask_ecs.plan import quota
from dask_ecs.plan.quota import DOCUMENTED, Buckets, Limit, TokenBucket

limits = st.builds(
    lambda rate, more: Limit(burst=rate + more, rate=rate),
    rate=st.floats(min_value=0.5, max_value=100),
    more=st.floats(min_value=0.5, max_value=200),
)
# How long after the last one somebody asks, and for how many tokens.
asked = st.lists(st.tuples(st.floats(min_value=0, max_value=5), st.integers(min_value=1, max_value=10)), max_size=60)
# What floating-point numbers and early timers may add.
ROUNDING = 1e-4


def handed_out(bucket: TokenBucket, asks: list[tuple[float, int]], *, burst: float) -> list[tuple[float, int]]:
    now, out = 0.0, []
    for pause, tokens in asks:
        now += pause
        if tokens <= burst and bucket.has(tokens, now=now):
            bucket.spend(tokens, now=now)
            out.append((now, tokens))
    return out


@given(limits, asked)
def test_no_window_sees_more_than_the_burst_and_what_came_in_meanwhile(
    limit: Limit, asks: list[tuple[float, int]]
) -> None:
    out = handed_out(TokenBucket(limit, now=0), asks, burst=limit.burst)
    for first in range(len(out)):
        for last in range(first, len(out)):
            seconds = out[last][0] - out[first][0]
            assert sum(tokens for _, tokens in out[first : last + 1]) <= limit.burst + limit.rate * seconds + ROUNDING


@given(
    st.sampled_from(sorted(DOCUMENTED)),
    st.lists(st.tuples(st.floats(min_value=0, max_value=0.5), st.floats(min_value=0, max_value=1)), max_size=80),
)
def test_calls_that_are_late_by_up_to_the_slack_are_within_what_aws_documents(
    name: str, calls: list[tuple[float, float]]
) -> None:
    ours = TokenBucket(DOCUMENTED[name].less_margin(slack=1), now=0)
    now, arrivals = 0.0, []
    for pause, late in calls:
        now += pause
        if ours.has(1, now=now):
            ours.spend(1, now=now)
            arrivals.append(now + late)
    theirs = TokenBucket(DOCUMENTED[name], now=0)
    for at in sorted(arrivals):
        assert theirs.has(1, now=at)
        theirs.spend(1, now=at)


@pytest.mark.parametrize("limit", DOCUMENTED.values(), ids=DOCUMENTED)
def test_the_margin_costs_little_of_the_rate_and_keeps_each_second_within_the_burst(limit: Limit) -> None:
    ours = limit.less_margin(slack=1)
    assert 0.95 * limit.rate <= ours.rate < limit.rate
    assert ours.burst + ours.rate <= limit.burst


@given(limits, asked, st.lists(st.floats(min_value=0, max_value=100), max_size=5), st.integers(1, 10))
def test_the_wait_that_is_told_is_enough_and_no_longer_than_needed(
    limit: Limit, asks: list[tuple[float, int]], throttled_at: list[float], tokens: int
) -> None:
    bucket = TokenBucket(limit, now=0)
    handed_out(bucket, asks, burst=limit.burst)
    now = sum(pause for pause, _ in asks)
    for at in sorted(throttled_at):
        bucket.throttled(now=now + at)
    now += max(throttled_at, default=0.0)
    wait = bucket.seconds_until(tokens, now=now)
    if wait > 0.01:
        assert not bucket.has(tokens, now=now + wait - 0.01)
    assert bucket.has(tokens, now=now + wait)


def test_more_than_a_bucket_holds_is_given_by_a_full_one_that_then_owes_the_rest() -> None:
    bucket = TokenBucket(Limit(burst=5, rate=1), now=0)
    assert bucket.has(10, now=0)
    bucket.spend(10, now=0)
    assert not bucket.has(1, now=5.9)
    assert bucket.has(1, now=6)


def test_throttling_empties_the_bucket_and_halves_its_rate() -> None:
    bucket = TokenBucket(Limit(burst=100, rate=20), now=0)
    bucket.throttled(now=1)
    assert not bucket.has(1, now=1)
    assert bucket.rate(now=1) == 10
    assert bucket.seconds_until(5, now=1) == pytest.approx(0.5)


def test_calls_that_are_throttled_together_count_once() -> None:
    bucket = TokenBucket(Limit(burst=100, rate=20), now=0)
    for now in (1.0, 1.2, 1.9):
        bucket.throttled(now=now)
    assert bucket.rate(now=2) == 10
    bucket.throttled(now=2)
    assert bucket.rate(now=2) == 5


def test_however_often_aws_throttles_a_sixteenth_of_the_rate_remains() -> None:
    bucket = TokenBucket(Limit(burst=100, rate=16), now=0)
    for now in range(20):
        bucket.throttled(now=now)
    assert bucket.rate(now=20) == 1


def test_a_throttled_bucket_recovers_by_a_tenth_of_its_rate_each_five_seconds() -> None:
    bucket = TokenBucket(Limit(burst=100, rate=20), now=0)
    bucket.throttled(now=0)
    assert [bucket.rate(now=now) for now in (4.9, 5, 10, 24.9, 25, 1000)] == [10, 12, 14, 18, 20, 20]


def test_throttling_that_goes_on_puts_the_recovery_off() -> None:
    bucket = TokenBucket(Limit(burst=100, rate=20), now=0)
    bucket.throttled(now=0)
    bucket.throttled(now=4)
    assert bucket.rate(now=8.9) == 5
    assert bucket.rate(now=9) == 7


def test_a_call_takes_from_all_its_buckets_or_from_none() -> None:
    buckets = Buckets({"a": Limit(10, 1), "b": Limit(4, 1)}, slack=1, now=0)
    assert buckets.take({"a": 1, "b": 3}, now=0)
    assert not buckets.take({"a": 1, "b": 1}, now=0)
    assert buckets.take({"a": 8}, now=0)


def test_launches_leave_tokens_to_stop_tasks_by() -> None:
    buckets = Buckets(DOCUMENTED, slack=1, now=0)
    launches = 0
    while buckets.take(quota.launch_cost("EC2", tasks=10), leave=quota.LEFT_BY_LAUNCHES, now=0):
        launches += 1
    stops = 0
    while buckets.take(quota.call_cost("StopTask"), now=0):
        stops += 1
    assert (launches, stops) == (50, 10)


ON_DEMAND = {"tasks": 1, "Fargate RunTask": 1, "Fargate on-demand tasks": 7}
SPOT = {"tasks": 1, "Fargate RunTask": 1, "Fargate Spot tasks": 7}


@pytest.mark.parametrize(
    ("request_", "cost"),
    [
        ({"launchType": "FARGATE", "count": 7}, ON_DEMAND),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}], "count": 7}, ON_DEMAND),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}], "count": 7}, SPOT),
        ({"launchType": "EC2", "count": 7}, {"tasks": 1}),
        ({"capacityProviderStrategy": [{"capacityProvider": "mine"}], "count": 7}, {"tasks": 1}),
        ({"count": 7}, {"tasks": 1}),
        ({"launchType": "FARGATE"}, ON_DEMAND | {"Fargate on-demand tasks": 1}),
    ],
)
def test_run_task_costs_what_its_parameters_say(request_: dict[str, Any], cost: dict[str, int]) -> None:
    assert quota.run_task_cost(request_) == cost


def test_every_ecs_operation_that_is_called_has_a_bucket() -> None:
    ecs = {operation.name for operation in operations.ALL if operation.service == "ecs"} - {"RunTask"}
    assert {name for name in ecs if not quota.call_cost(name)} == set()


def test_a_raised_quota_is_read() -> None:
    assert quota.parse_quota("Fargate RunTask=40/37.5") == ("Fargate RunTask", Limit(burst=40, rate=37.5))
    assert quota.parse_quota(" tags = 30/10 ") == ("tags", Limit(burst=30, rate=10))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Fargate RunTask", "NAME=BURST/RATE"),
        ("tags=20", "NAME=BURST/RATE"),
        ("tags=-1/1", "NAME=BURST/RATE"),
        ("tasts=20/10", "There is no quota 'tasts'; there are: clusters, "),
        ("tags=20/0", "rate more than 0"),
        ("tags=10/20", "no more than the burst"),
        ("tags=0.5/0.5", "at least 1"),
    ],
)
def test_a_quota_that_makes_no_sense_is_refused_with_what_would(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        quota.parse_quota(text)
