"""Where a task's output is to be looked for."""

from typing import Any

import pytest

from dask_ecs.api.spec import DaskClusterSpec
from dask_ecs.plan.log_stream import LogStream, of_task
from dask_ecs.plan.observed import GivenDefinition

THEIRS = GivenDefinition(
    arn="arn:aws:ecs:eu-west-1:123456789012:task-definition/theirs:3",
    container="main",
    cpu_units=None,
    memory_mib=None,
    stop_timeout=30,
    log_group="their-logs",
    log_prefix="night",
)


@pytest.mark.parametrize(
    ("spec", "group", "name"),
    [
        ({}, "dask-ecs", "worker/worker/abc"),
        ({"logs": {"group": "team", "streamPrefix": "dask"}}, "team", "dask/worker/abc"),
    ],
)
def test_what_is_made_writes_where_the_spec_says(spec: dict[str, Any], group: str, name: str) -> None:
    found = of_task(DaskClusterSpec.model_validate(spec), "worker", "abc", given=None)
    assert found == LogStream(group=group, name=name)


def test_a_definition_of_the_users_writes_where_it_says() -> None:
    found = of_task(DaskClusterSpec(), "worker", "abc", given=THEIRS)
    assert found == LogStream(group="their-logs", name="night/main/abc")


def test_what_goes_elsewhere_is_not_looked_for() -> None:
    elsewhere = {"worker": {"logConfiguration": {"logDriver": "splunk"}}}
    assert of_task(DaskClusterSpec.model_validate(elsewhere), "worker", "abc", given=None) is None
