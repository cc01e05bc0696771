"""DescribeTasks, ListTasks and StopTask as ECS documents them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .account import unique

if TYPE_CHECKING:
    from .account import Account


@pytest.fixture(scope="module")
def crowd(account: Account) -> tuple[str, list[str]]:
    """A cluster with 120 tasks that stay in PROVISIONING, and their ARNs."""
    before = account.aws.delays()
    account.aws.delays(provisioning=600.0)
    cluster = account.cluster()
    definition = account.definition()
    arns = []
    for index in range(12):
        request = account.request(cluster, definition, count=10, startedBy=f"batch-{index}")
        arns += [task["taskArn"] for task in account.ecs.run_task(**request)["tasks"]]
    account.aws.delays(**before)
    return cluster, arns


def test_list_tasks_gives_pages_of_at_most_100(account: Account, crowd: tuple[str, list[str]]) -> None:
    cluster, arns = crowd
    first = account.ecs.list_tasks(cluster=cluster)
    assert len(first["taskArns"]) == 100
    second = account.ecs.list_tasks(cluster=cluster, nextToken=first["nextToken"])
    assert "nextToken" not in second
    assert sorted(first["taskArns"] + second["taskArns"]) == sorted(arns)
    pages = account.ecs.get_paginator("list_tasks").paginate(cluster=cluster, PaginationConfig={"PageSize": 7})
    assert sorted(arn for page in pages for arn in page["taskArns"]) == sorted(arns)


@pytest.mark.parametrize("parameters", [{"maxResults": 101}, {"nextToken": "nonsense"}])
def test_a_page_that_can_not_be_is_refused(
    account: Account, crowd: tuple[str, list[str]], parameters: dict[str, Any]
) -> None:
    with pytest.raises(account.ecs.exceptions.InvalidParameterException):
        account.ecs.list_tasks(cluster=crowd[0], **parameters)


def test_list_tasks_by_started_by(account: Account, crowd: tuple[str, list[str]]) -> None:
    cluster, arns = crowd
    assert account.ecs.list_tasks(cluster=cluster, startedBy="batch-1")["taskArns"] == arns[10:20]


def test_started_by_is_the_only_filter_besides_the_cluster(account: Account, crowd: tuple[str, list[str]]) -> None:
    with pytest.raises(account.ecs.exceptions.InvalidParameterException, match="any other filter"):
        account.ecs.list_tasks(cluster=crowd[0], startedBy="batch-1", family="any")


def test_describe_tasks_takes_100_at_most(account: Account, crowd: tuple[str, list[str]]) -> None:
    cluster, arns = crowd
    assert len(account.ecs.describe_tasks(cluster=cluster, tasks=arns[:100])["tasks"]) == 100
    with pytest.raises(account.ecs.exceptions.InvalidParameterException, match="more than 100"):
        account.ecs.describe_tasks(cluster=cluster, tasks=arns[:101])


def test_a_task_of_another_cluster_is_missing(account: Account, crowd: tuple[str, list[str]]) -> None:
    arn = crowd[1][0]
    answer = account.ecs.describe_tasks(cluster=account.cluster(), tasks=[arn])
    assert answer["tasks"] == []
    assert [(failure["arn"], failure["reason"]) for failure in answer["failures"]] == [(arn, "MISSING")]


def test_a_part_of_an_id_names_no_task(account: Account, crowd: tuple[str, list[str]]) -> None:
    cluster, arns = crowd
    answer = account.ecs.describe_tasks(cluster=cluster, tasks=[arns[0][-8:], arns[0].rpartition("/")[2]])
    assert [task["taskArn"] for task in answer["tasks"]] == [arns[0]]
    assert len(answer["failures"]) == 1


def test_list_tasks_by_family_after_the_definition_was_deregistered(account: Account) -> None:
    cluster = account.cluster()
    family = unique("family")
    definition = account.definition(task={"family": family})
    arn = account.run(cluster, definition)
    account.run(cluster, account.definition(task={"family": f"{family}-longer"}))
    account.ecs.deregister_task_definition(taskDefinition=definition)
    assert account.ecs.list_tasks(cluster=cluster, family=family)["taskArns"] == [arn]


def test_stopped_tasks_must_be_asked_for(account: Account) -> None:
    cluster = account.cluster()
    running, stopped = (account.run(cluster, account.definition()) for _ in range(2))
    account.ecs.stop_task(cluster=cluster, task=stopped)
    assert account.ecs.list_tasks(cluster=cluster)["taskArns"] == [running]
    assert account.ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"] == [stopped]
    assert account.ecs.list_tasks(cluster=cluster, desiredStatus="PENDING")["taskArns"] == []
    assert account.ecs.list_tasks(cluster=cluster, launchType="EC2")["taskArns"] == []
    assert account.ecs.list_tasks(cluster=cluster, launchType="FARGATE")["taskArns"] == [running]


def test_stopping_twice_keeps_the_first_reason(account: Account) -> None:
    cluster = account.cluster()
    arn = account.run(cluster, account.definition())
    account.ecs.stop_task(cluster=cluster, task=arn, reason="first")
    account.ecs.stop_task(cluster=cluster, task=arn, reason="second")
    assert account.until(cluster, arn, "STOPPED")["stoppedReason"] == "first"
    assert account.ecs.stop_task(cluster=cluster, task=arn)["task"]["lastStatus"] == "STOPPED"


def test_stopping_what_is_not_there_is_refused(account: Account) -> None:
    with pytest.raises(ClientError, match=r"The referenced task was not found\.") as raised:
        account.ecs.stop_task(cluster=account.cluster(), task="0" * 32)
    assert raised.value.response["Error"]["Code"] == "InvalidParameterException"


def test_tags_can_be_added_and_removed(account: Account) -> None:
    cluster = account.cluster(tags=[{"key": "a", "value": "1"}])
    arn = account.ecs.describe_clusters(clusters=[cluster])["clusters"][0]["clusterArn"]
    definition = account.definition()
    task = account.run(cluster, definition)
    for resource in (arn, definition, task):
        account.ecs.tag_resource(resourceArn=resource, tags=[{"key": "b", "value": "2"}, {"key": "c", "value": "3"}])
        account.ecs.untag_resource(resourceArn=resource, tagKeys=["a", "c"])
        assert account.ecs.list_tags_for_resource(resourceArn=resource)["tags"] == [{"key": "b", "value": "2"}]
    with pytest.raises(account.ecs.exceptions.InvalidParameterException):
        account.ecs.list_tags_for_resource(resourceArn=f"{task}0")
