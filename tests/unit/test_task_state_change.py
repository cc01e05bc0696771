"""What an event says of a task is what DescribeTasks says of it."""

import copy
import datetime
import json
from typing import Any

import pytest

from dask_ecs.aws import task_state_change, tasks

CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/demo"
ENVIRONMENT = [
    {"name": "DASK_ECS_LAUNCH", "value": "token"},
    {"name": "DASK_ECS_SCHEDULER_PORTS", "value": "8786,8787"},
]
# Names and forms as in AWS's "Amazon ECS task state change events", values of our own.
DETAIL: dict[str, Any] = {
    "attachments": [
        {"id": "other", "type": "elb", "status": "DELETED", "details": []},
        {
            "id": "11111111-2222-3333-4444-555555555555",
            "type": "eni",
            "status": "ATTACHED",
            "details": [
                {"name": "subnetId", "value": "subnet-1"},
                {"name": "privateIPv4Address", "value": "10.0.1.7"},
            ],
        },
    ],
    "clusterArn": CLUSTER,
    "containers": [{"name": "scheduler", "lastStatus": "STOPPED", "exitCode": 1, "reason": "OutOfMemoryError"}],
    "createdAt": "2026-11-22T20:55:49.725Z",
    "startedAt": "2026-11-22T20:56:36.54Z",
    "stoppedAt": "2026-11-22T21:23:11Z",
    "desiredStatus": "STOPPED",
    "lastStatus": "STOPPED",
    "overrides": {"containerOverrides": [{"name": "scheduler", "environment": ENVIRONMENT}]},
    "startedBy": "dask/blue/u-1",
    "stopCode": "EssentialContainerExited",
    "stoppedReason": "Essential container in task exited",
    "taskArn": "arn:aws:ecs:eu-west-1:123456789012:task/demo/1234",
    "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/scheduler:1",
    "updatedAt": "2026-11-22T21:23:11.984Z",
    "version": 9,
}
DESCRIBED = {
    **DETAIL,
    "attachments": [
        {**each, "type": "ElasticNetworkInterface" if each["type"] == "eni" else each["type"]}
        for each in DETAIL["attachments"]
    ],
    "createdAt": datetime.datetime(2026, 11, 22, 20, 55, 49, 725000, tzinfo=datetime.UTC),
    "startedAt": datetime.datetime(2026, 11, 22, 20, 56, 36, 540000, tzinfo=datetime.UTC),
    "stoppedAt": datetime.datetime(2026, 11, 22, 21, 23, 11, tzinfo=datetime.UTC),
}


def body(detail: dict[str, Any], **event: Any) -> str:
    return json.dumps({"source": "aws.ecs", "detail-type": "ECS Task State Change", **event, "detail": detail})


def test_an_event_is_read_as_describe_tasks_is() -> None:
    change = task_state_change.parse(body(DETAIL))
    assert change is not None
    assert change.ecs_cluster_arn == CLUSTER
    assert change.task == tasks.parse([DESCRIBED])[0]
    assert change.task.private_ip == "10.0.1.7"
    assert change.task.exit_code == 1
    assert change.task.version == 9


def test_an_event_of_a_task_that_is_not_ours_in_form_is_nothing() -> None:
    foreign = copy.deepcopy(DETAIL)
    foreign["containers"][0]["name"] = "web"
    assert task_state_change.parse(body(foreign)) is None


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[]",
        "null",
        "{}",
        body(DETAIL, **{"detail-type": "ECS Service Action"}),
        body({**DETAIL, "createdAt": "yesterday"}),
        body({name: value for name, value in DETAIL.items() if name != "taskArn"}),
        body({**DETAIL, "containers": [7]}),
        body({**DETAIL, "attachments": None}),
    ],
)
def test_what_is_no_such_event_is_told_apart(text: str) -> None:
    with pytest.raises(task_state_change.NotATaskStateChangeError):
        task_state_change.parse(text)


def test_the_environment_of_another_container_does_not_hide_what_a_task_is() -> None:
    agent = {"name": "agent", "environment": [{"name": "SITE", "value": "eu"}]}
    overrides = {"containerOverrides": [*DESCRIBED["overrides"]["containerOverrides"], agent]}
    containers = [{"name": "agent", "exitCode": 0}, *DESCRIBED["containers"]]
    (task,) = tasks.parse([{**DESCRIBED, "containers": containers, "overrides": overrides}])
    assert (task.role, task.launch_token, task.exit_code) == ("scheduler", "token", 1)


def test_a_task_is_what_it_was_launched_as_whatever_its_container_is_called() -> None:
    called = {
        **DESCRIBED,
        "containers": [{"name": "worker"}],
        "overrides": {"containerOverrides": [{"name": "worker", "environment": ENVIRONMENT}]},
    }
    assert [task.role for task in tasks.parse([called])] == ["scheduler"]
