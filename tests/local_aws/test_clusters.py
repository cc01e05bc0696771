"""ECS clusters and their capacity providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from .account import unique

if TYPE_CHECKING:
    from dask_ecs.local.aws.handle import LocalAWS

    from .account import Account


def test_creating_a_cluster_twice_gives_the_same(account: Account) -> None:
    name = unique("cluster")
    first, second = (account.ecs.create_cluster(clusterName=name)["cluster"]["clusterArn"] for _ in range(2))
    assert first == second == f"arn:aws:ecs:eu-west-1:123456789012:cluster/{name}"


def test_a_deleted_cluster_is_inactive_and_no_longer_listed(account: Account) -> None:
    cluster = account.cluster()
    arn = account.ecs.delete_cluster(cluster=cluster)["cluster"]["clusterArn"]
    assert account.ecs.describe_clusters(clusters=[cluster])["clusters"][0]["status"] == "INACTIVE"
    pages = account.ecs.get_paginator("list_clusters").paginate()
    assert arn not in {each for page in pages for each in page["clusterArns"]}
    account.ecs.create_cluster(clusterName=cluster)
    assert account.ecs.describe_clusters(clusters=[cluster])["clusters"][0]["status"] == "ACTIVE"


def test_a_cluster_with_tasks_can_not_be_deleted(account: Account) -> None:
    cluster = account.cluster()
    arn = account.run(cluster, account.definition())
    with pytest.raises(account.ecs.exceptions.ClusterContainsTasksException):
        account.ecs.delete_cluster(cluster=cluster)
    account.ecs.stop_task(cluster=cluster, task=arn)
    account.until(cluster, arn, "STOPPED")
    account.ecs.delete_cluster(cluster=cluster)


def test_unknown_clusters_are_failures_of_describe(account: Account) -> None:
    cluster = account.cluster(tags=[{"key": "a", "value": "1"}])
    answer = account.ecs.describe_clusters(clusters=[cluster, "nowhere"], include=["TAGS"])
    assert [(each["clusterName"], each["tags"]) for each in answer["clusters"]] == [
        (cluster, [{"key": "a", "value": "1"}])
    ]
    assert answer["failures"] == [{"arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/nowhere", "reason": "MISSING"}]


def test_a_cluster_counts_its_tasks(account: Account, delays: LocalAWS) -> None:
    delays.delays(pending=1.0)
    cluster = account.cluster()
    arn = account.run(cluster, account.definition())
    assert account.ecs.describe_clusters(clusters=[cluster])["clusters"][0]["pendingTasksCount"] == 1
    account.until(cluster, arn, "RUNNING")
    assert account.ecs.describe_clusters(clusters=[cluster])["clusters"][0]["runningTasksCount"] == 1


def test_capacity_providers_are_replaced_as_a_whole(account: Account) -> None:
    cluster = account.cluster(capacityProviders=["FARGATE", "FARGATE_SPOT"])
    strategy = [{"capacityProvider": "FARGATE", "weight": 1}]
    changed = account.ecs.put_cluster_capacity_providers(
        cluster=cluster,
        capacityProviders=["FARGATE"],
        defaultCapacityProviderStrategy=strategy,  # type: ignore[arg-type]
    )["cluster"]
    assert changed["capacityProviders"] == ["FARGATE"]
    assert changed["defaultCapacityProviderStrategy"] == strategy
    with pytest.raises(ClientError, match="does not exist"):
        account.ecs.put_cluster_capacity_providers(
            cluster=cluster, capacityProviders=["nobody"], defaultCapacityProviderStrategy=[]
        )


def test_a_cluster_of_another_region_is_another_cluster(account: Account) -> None:
    cluster = account.cluster()
    elsewhere = account.ecs.describe_clusters(clusters=[f"arn:aws:ecs:us-east-1:123456789012:cluster/{cluster}"])
    assert elsewhere["clusters"] == []
