"""A cluster ends with its longest life, and one that is to be retained outlives its object. Tasks are simulated."""

import json

import pytest

from dask_ecs.local.stack import Stack

from .aws_account import AwsAccount
from .kstatus import kstatus
from .tenant import Tenant, manifest
from .waiting import until


@pytest.fixture(scope="module")
def quiet_stack(simulated_stack: Stack) -> Stack:
    return simulated_stack


def _tasks(account: AwsAccount, cluster: str) -> set[str]:
    return {task["taskArn"] for task in account.live_tasks(cluster)}


def test_a_cluster_whose_longest_life_is_over_goes_to_no_task_and_a_wake_begins_another(
    lone_tenant: Tenant, quiet_account: AwsAccount
) -> None:
    tenant = lone_tenant
    name = tenant.apply(manifest(replicas=1, maxLifetime="1m"))
    cluster = tenant.wait_until_ready(name, workers=1)["clusterArn"]
    first = _tasks(quiet_account, cluster)
    # As if it had been woken long ago: the shortest life that there may be is too long to wait for here.
    woken = {"reason": "Idle", "since": "2026-01-01T00:00:00Z", "endedAt": "2026-01-01T00:00:01Z", "generation": 1}
    patch = json.dumps({"status": {"rest": woken}})
    tenant.kubectl("patch", "dkc", name, "--subresource=status", "--type=merge", f"--patch={patch}")
    rests = tenant.wait_for_condition(name, "Suspended", "True", reason="LifetimeReached")
    assert "has run for 1m (spec.maxLifetime)" in rests["message"]
    until(lambda: not _tasks(quiet_account, cluster), shown=lambda: tenant.shown(name))
    tenant.wait_for_condition(name, "Reconciling", "False", reason="Settled")
    assert kstatus(tenant.get(name)) == "Current"
    assert any(event["reason"] == "LifetimeReached" for event in tenant.events(name))

    tenant.kubectl("annotate", "dkc", name, "ecs.dask.org/wake=again")
    tenant.wait_until_ready(name, workers=1)
    assert not first & _tasks(quiet_account, cluster)


def test_what_is_to_be_retained_runs_on_when_its_object_goes(lone_tenant: Tenant, quiet_account: AwsAccount) -> None:
    tenant = lone_tenant
    name = tenant.apply(manifest(replicas=1, isolation="cluster", deletionPolicy="Retain"))
    status = tenant.wait_until_ready(name, workers=1)
    uid = str((tenant.get(name) or {})["metadata"]["uid"])
    tasks, cluster = _tasks(quiet_account, status["clusterArn"]), status["clusterArn"]
    held = quiet_account.leftovers(uid, namespace=tenant.namespace)
    tenant.kubectl("delete", "dkc", name)
    assert tenant.get(name) is None
    assert len(tasks) == 2
    assert _tasks(quiet_account, cluster) == tasks
    assert quiet_account.leftovers(uid, namespace=tenant.namespace) == held
    for task in tasks:
        quiet_account.ecs.stop_task(cluster=cluster, task=task)
