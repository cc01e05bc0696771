from datetime import UTC, datetime, timedelta, timezone

from dask_ecs.api.conditions import MAX_MESSAGE, Condition, find_condition, rfc3339, set_condition

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


def ready(conditions: tuple[Condition, ...]) -> Condition:
    condition = find_condition(conditions, "Ready")
    assert condition is not None
    return condition


def test_a_new_condition_is_added_at_the_end() -> None:
    first = set_condition((), "Ready", "False", reason="Launching", now=NOON)

    both = set_condition(first, "Stalled", "False", reason="Fine", now=LATER)

    assert [condition.type for condition in both] == ["Ready", "Stalled"]
    assert both[1].last_transition_time == "2026-01-31T12:05:00Z"


def test_the_time_stays_while_the_status_does() -> None:
    before = set_condition((), "Ready", "False", reason="Launching", message="0 of 4", now=NOON)

    after = set_condition(
        before, "Ready", "False", reason="Waiting", message="1 of 4", observed_generation=2, now=LATER
    )

    assert ready(after) == Condition(
        type="Ready",
        status="False",
        reason="Waiting",
        message="1 of 4",
        last_transition_time=rfc3339(NOON),
        observed_generation=2,
    )


def test_the_time_changes_with_the_status() -> None:
    before = set_condition((), "Ready", "False", reason="Launching", now=NOON)

    after = set_condition(before, "Ready", "True", reason="Ready", now=LATER)

    assert ready(after).last_transition_time == rfc3339(LATER)


def test_a_condition_keeps_its_place() -> None:
    before = set_condition((), "Ready", "False", reason="Launching", now=NOON)
    before = set_condition(before, "Stalled", "False", reason="Fine", now=NOON)

    after = set_condition(before, "Ready", "True", reason="Ready", now=LATER)

    assert [condition.type for condition in after] == ["Ready", "Stalled"]


def test_a_message_that_kubernetes_would_refuse_is_cut() -> None:
    conditions = set_condition((), "Ready", "False", reason="Logs", message="x" * 100_000, now=NOON)

    assert len(ready(conditions).message) == MAX_MESSAGE


def test_a_condition_that_is_not_there_is_not_found() -> None:
    assert find_condition((), "Ready") is None


def test_times_are_written_in_utc() -> None:
    assert rfc3339(NOON.astimezone(timezone(timedelta(hours=2)))) == "2026-01-31T12:00:00Z"
