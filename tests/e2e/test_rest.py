"""A cluster goes to no task at all and comes back: when it idles, when it is suspended, when its scheduler finished."""

from .aws_account import AwsAccount
from .computation import compute_on
from .connecting import connect
from .kstatus import kstatus
from .tenant import Tenant, manifest
from .waiting import until


def _at_rest(tenant: Tenant, account: AwsAccount, name: str, *, reason: str) -> None:
    status = tenant.wait_for(name, lambda status: (status.get("rest") or {}).get("reason") == reason)
    until(lambda: not account.live_tasks(status["clusterArn"]), shown=lambda: tenant.shown(name))
    settled = tenant.wait_for_condition(name, "Reconciling", "False")
    assert settled["reason"] == "Settled"
    assert tenant.status(name)["phase"] == "Suspended"
    assert kstatus(tenant.get(name)) == "Current"
    assert not tenant.condition(name, "Ready")
    rests = tenant.condition(name, "Suspended")
    assert (rests["status"], rests["reason"]) == ("True", reason)
    assert any(event["reason"] == reason for event in tenant.events(name))


def test_an_idle_cluster_goes_to_no_task_unless_a_client_is_connected_and_is_woken(
    tenant: Tenant, account: AwsAccount
) -> None:
    name = tenant.apply(manifest(replicas=1, scheduler={"idleTimeout": "1h"}))
    tenant.wait_until_ready(name, workers=1)
    tenant.wait_for(name, lambda status: "idleSince" in status)
    with connect(tenant, name):
        tenant.wait_for(name, lambda status: "idleSince" not in status)
        tenant.patch(name, {"scheduler": {"idleTimeout": "1s"}})
        # It has computed nothing for longer than that.
        kept = tenant.wait_until_ready(name, workers=1)
        assert "rest" not in kept
    _at_rest(tenant, account, name, reason="Idle")
    assert "1s (spec.scheduler.idleTimeout)" in tenant.condition(name, "Suspended")["message"]

    tenant.patch(name, {"scheduler": {"idleTimeout": "0s"}})
    tenant.wait_until_ready(name, workers=1)
    compute_on(tenant, name)
    with connect(tenant, name) as client:
        client.shutdown()
    _at_rest(tenant, account, name, reason="SchedulerFinished")

    tenant.kubectl("annotate", "dkc", name, "ecs.dask.org/wake=again")
    tenant.wait_until_ready(name, workers=1)
    compute_on(tenant, name)


def test_a_cluster_is_suspended_resumed_and_paused(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(manifest(replicas=1))
    cluster = tenant.wait_until_ready(name, workers=1)["clusterArn"]
    tenant.patch(name, {"suspend": True})
    _at_rest(tenant, account, name, reason="Suspended")
    tenant.patch(name, {"suspend": False})
    tenant.wait_until_ready(name, workers=1)
    compute_on(tenant, name)

    before = {task["taskArn"] for task in account.live_tasks(cluster)}
    tenant.kubectl("annotate", "dkc", name, "ecs.dask.org/paused=true")
    tenant.wait_for_condition(name, "Reconciling", "False", reason="Paused")
    tenant.scale(name, 2)
    tenant.wait_for(name, lambda status: status["workers"]["desired"] == 2)
    tenant.delete(name)
    tenant.wait_for(name, lambda status: status["phase"] == "Deleting")
    assert tenant.condition(name, "Stalled")["reason"] == "Paused"
    assert {task["taskArn"] for task in account.live_tasks(cluster)} == before
    tenant.kubectl("annotate", "dkc", name, "ecs.dask.org/paused-")
    tenant.wait_until_gone(name)
