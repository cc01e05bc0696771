"""How `dask-ecs logs` finds and merges the logs of tasks."""

import datetime

import click
import pytest

from dask_ecs.command_line.logs import Line, chosen, merged, now_less
from dask_ecs.plan.observed import Role, Task

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def task(role: Role, id_: str) -> Task:
    return Task(
        arn=f"arn:aws:ecs:eu-west-1:123456789012:task/dask/{id_}",
        role=role,
        started_by="dask/x/u-1",
        task_definition_arn="",
        last_status="RUNNING",
        desired_status="RUNNING",
        created_at=NOW,
    )


TASKS = [task("scheduler", "aaaa0000ffff"), task("worker", "bbbb1111ffff"), task("worker", "cccc2222ffff")]


def test_one_role_or_one_task_can_be_chosen() -> None:
    def found(*, role: str | None = None, task: str | None = None) -> list[str]:
        return [each.id for each in chosen(TASKS, role=role, task=task)]

    assert found() == ["aaaa0000ffff", "bbbb1111ffff", "cccc2222ffff"]
    assert found(role="worker") == ["bbbb1111ffff", "cccc2222ffff"]
    assert found(role="worker", task="cc") == ["cccc2222ffff"]


def test_lines_of_several_tasks_come_in_the_order_of_their_time() -> None:
    scheduler = [Line(1, "scheduler", "a"), Line(3, "scheduler", "c")]
    assert merged([scheduler, [Line(2, "worker 1", "b")]]) == ["scheduler | a", "worker 1  | b", "scheduler | c"]


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("1h30m", 5400), ("2d", 172800)])
def test_a_duration_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert now_less(text, now=NOW) == int((NOW.timestamp() - seconds) * 1000)


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "five"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        now_less(text, now=NOW)
