"""What dies is replaced; what has finished is not."""

from .aws_account import AwsAccount
from .computation import compute_on
from .connecting import connect
from .tenant import Tenant, manifest
from .waiting import until


def _worker_arns(account: AwsAccount, ecs_cluster: str) -> set[str]:
    return {task["taskArn"] for task in account.live_tasks(ecs_cluster, role="worker")}


def test_a_worker_that_dies_is_replaced(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(manifest(replicas=2))
    cluster = tenant.wait_until_ready(name, workers=2)["clusterArn"]
    before = _worker_arns(account, cluster)
    dead, survivor = sorted(before)
    account.aws.kill_container(dead)
    tenant.wait_for(name, lambda status: status["workers"]["running"] < 2)
    tenant.wait_until_ready(name, workers=2)
    after = _worker_arns(account, cluster)
    assert len(after) == 2
    assert after & before == {survivor}
    died = next(event for event in tenant.events(name) if event["type"] == "Warning")
    assert dead.rsplit("/", 1)[-1] in died["message"]
    assert "exited with 137" in died["message"]


def test_a_worker_stopped_by_somebody_else_is_replaced(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(manifest(replicas=1))
    cluster = tenant.wait_until_ready(name, workers=1)["clusterArn"]
    (stopped,) = _worker_arns(account, cluster)
    account.ecs.stop_task(cluster=cluster, task=stopped, reason="An administrator wanted it so")
    until(lambda: _worker_arns(account, cluster) - {stopped}, shown=lambda: tenant.shown(name))
    tenant.wait_until_ready(name, workers=1)
    assert len(_worker_arns(account, cluster)) == 1


def test_a_scheduler_that_dies_is_replaced_and_the_workers_with_it(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(manifest(replicas=2))
    before = tenant.wait_until_ready(name, workers=2)
    cluster = before["clusterArn"]
    old_workers = _worker_arns(account, cluster)
    account.aws.kill_container(before["schedulerTaskArn"])
    tenant.wait_for(name, lambda status: status.get("schedulerTaskArn") not in (None, before["schedulerTaskArn"]))
    after = tenant.wait_until_ready(name, workers=2)
    assert after["schedulerAddress"] != before["schedulerAddress"]
    assert _worker_arns(account, cluster).isdisjoint(old_workers)
    assert len(account.live_tasks(cluster)) == 3
    compute_on(tenant, name)


def test_a_client_s_shutdown_ends_the_cluster_until_an_edit(lone_tenant: Tenant, quiet_account: AwsAccount) -> None:
    tenant = lone_tenant
    name = tenant.apply(manifest(replicas=1))
    tenant.wait_until_ready(name, workers=1)
    with connect(tenant, name) as client:
        client.shutdown()
    status = tenant.wait_for(name, lambda status: status["phase"] == "Suspended" and not status["replicas"])
    cluster = status["clusterArn"]
    assert "schedulerAddress" not in status
    ended = tenant.wait_for_condition(name, "Suspended", "True", reason="SchedulerFinished")
    assert "Any edit of the spec starts the cluster again" in ended["message"]
    assert tenant.condition(name, "Reconciling")["status"] == "False"
    assert quiet_account.live_tasks(cluster) == []

    tenant.operator.terminate()
    quiet_account.aws.reset_calls()
    tenant.operator.restart()
    until(lambda: quiet_account.aws.calls().get("ecs:ListTasks", 0) >= 4, shown=lambda: tenant.shown(name))
    assert tenant.status(name)["phase"] == "Suspended"
    assert "ecs:RunTask" not in quiet_account.aws.calls()

    tenant.patch(name, {"worker": {"replicas": 2}})
    tenant.wait_until_ready(name, workers=2)
    compute_on(tenant, name)
