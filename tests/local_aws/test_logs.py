"""Container output in CloudWatch Logs, by the awslogs driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .account import unique

if TYPE_CHECKING:
    from .account import Account


def awslogs(group: str, **options: str) -> dict[str, Any]:
    named = {"awslogs-group": group, "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "dask", **options}
    return {"logDriver": "awslogs", "options": named}


def messages(account: Account, group: str, task: str) -> list[str]:
    stream = f"dask/main/{task.rpartition('/')[2]}"
    events = account.logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
    return [event["message"] for event in events]


@pytest.fixture
def group(account: Account) -> str:
    name = unique("group")
    account.logs.create_log_group(logGroupName=name)
    return name


def test_output_is_in_the_stream_of_the_container(account: Account, group: str, assumable_role: str) -> None:
    cluster = account.cluster()
    definition = account.definition(
        "echo out; echo err >&2; printf 'no newline'",
        logConfiguration=awslogs(group),
        task={"executionRoleArn": assumable_role},
    )
    arn = account.run(cluster, definition)
    account.until(cluster, arn, "STOPPED")
    assert messages(account, group, arn) == ["out", "err", "no newline"]


def test_output_can_be_read_while_the_task_runs(account: Account, group: str, assumable_role: str) -> None:
    cluster = account.cluster()
    definition = account.definition(
        "echo started; sleep 60", logConfiguration=awslogs(group), task={"executionRoleArn": assumable_role}
    )
    arn = account.run(cluster, definition)
    account.until(cluster, arn, "RUNNING")
    account.wait(lambda: messages(account, group, arn) == ["started"])


def test_much_output_is_kept_in_order(account: Account, group: str, assumable_role: str) -> None:
    cluster = account.cluster()
    definition = account.definition(
        "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i + 1)); done",
        logConfiguration=awslogs(group),
        task={"executionRoleArn": assumable_role},
    )
    arn = account.run(cluster, definition)
    account.until(cluster, arn, "STOPPED")
    stream = f"dask/main/{arn.rpartition('/')[2]}"
    events = account.logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, limit=10000)[
        "events"
    ]
    assert [event["message"] for event in events] == [str(number) for number in range(3000)]


def test_a_missing_group_keeps_the_task_from_starting(account: Account, assumable_role: str) -> None:
    cluster = account.cluster()
    definition = account.definition(
        logConfiguration=awslogs(unique("missing")), task={"executionRoleArn": assumable_role}
    )
    task = account.until(cluster, account.run(cluster, definition), "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("ResourceInitializationError: failed to validate logger args: ")
    assert "The specified log group does not exist." in task["stoppedReason"]


def test_the_group_is_made_where_the_options_ask_for_it(account: Account, assumable_role: str) -> None:
    cluster, group = account.cluster(), unique("made")
    definition = account.definition(
        "echo hello",
        logConfiguration=awslogs(group, **{"awslogs-create-group": "true"}),
        task={"executionRoleArn": assumable_role},
    )
    arn = account.run(cluster, definition)
    account.until(cluster, arn, "STOPPED")
    assert messages(account, group, arn) == ["hello"]
