"""clusterArn: an ECS cluster that is there already, which several DaskClusters may share and none deletes."""

from .aws_account import AwsAccount
from .computation import compute_on
from .kstatus import kstatus, retry_at
from .tenant import Tenant, manifest


def test_two_dask_clusters_on_one_ecs_cluster_leave_each_other_alone(tenant: Tenant, account: AwsAccount) -> None:
    shared = account.ecs.create_cluster(clusterName=tenant.namespace)["cluster"]["clusterArn"]
    first = tenant.apply(manifest("first", clusterArn=shared))
    second = tenant.apply(manifest("second", replicas=2, clusterArn=shared))
    tenant.wait_until_ready(first)
    before = tenant.wait_until_ready(second)
    assert before["clusterArn"] == shared
    uids = {name: (tenant.get(name) or {})["metadata"]["uid"] for name in (first, second)}
    tasks = {task["taskArn"] for task in account.live_tasks(shared, uid=uids[second])}
    assert len(tasks) == 3

    tenant.delete(first)
    tenant.wait_until_gone(first)
    assert account.live_tasks(shared, uid=uids[first]) == []
    assert {task["taskArn"] for task in account.live_tasks(shared)} == tasks
    compute_on(tenant, second)
    after = tenant.wait_until_ready(second, workers=2)
    assert after["schedulerTaskArn"] == before["schedulerTaskArn"]
    definitions = [
        account.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["status"]
        for arn in after["taskDefinitions"].values()
    ]
    assert definitions == ["ACTIVE", "ACTIVE"]

    tenant.delete(second)
    tenant.wait_until_gone(second)
    assert account.leftovers(uids[second], namespace=tenant.namespace) == []
    (given,) = account.ecs.describe_clusters(clusters=[shared])["clusters"]
    assert given["status"] == "ACTIVE"


def test_an_ecs_cluster_that_is_not_there_is_named_and_used_once_it_is(tenant: Tenant, account: AwsAccount) -> None:
    arn = f"arn:aws:ecs:eu-west-1:123456789012:cluster/{tenant.namespace}"
    name = tenant.apply(manifest(clusterArn=arn))
    condition = tenant.wait_for_condition(name, "Ready", "False", reason="ClusterNotFoundException")
    assert f"There is no active ECS cluster {arn} in region eu-west-1; check spec.clusterArn" in condition["message"]
    assert retry_at(condition)
    assert kstatus(tenant.get(name)) == "Failed"
    account.ecs.create_cluster(clusterName=tenant.namespace)
    tenant.wait_until_ready(name)


def test_a_dask_cluster_whose_ecs_cluster_never_was_can_be_deleted(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(manifest(clusterArn="arn:aws:ecs:eu-west-1:123456789012:cluster/never-was"))
    tenant.wait_for_condition(name, "Stalled")
    uid = (tenant.get(name) or {})["metadata"]["uid"]
    tenant.delete(name)
    tenant.wait_until_gone(name)
    assert account.leftovers(uid, namespace=tenant.namespace) == []
