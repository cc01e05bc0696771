"""A scheduler that the operator can not reach: it says so with what to do, and goes by what ECS says."""

import socket

from .aws_account import AwsAccount
from .kstatus import kstatus
from .tenant import SMALL, Tenant, manifest


def test_where_the_operator_can_not_reach_a_healthy_scheduler_it_goes_by_ecs(
    tenant: Tenant, account: AwsAccount
) -> None:
    # It listens on its container's loopback alone: there its health check finds it, and nobody else does.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    scheduler = {**SMALL, "port": port, "extraArgs": ["--host", "127.0.0.1"]}
    name = tenant.apply(manifest(scheduler=scheduler))
    condition = tenant.wait_for_condition(name, "SchedulerReachable", "False", reason="Unreachable")
    assert f":{port}" in condition["message"]
    for fix in ("in the cluster's VPC or a peered one", "spec.network.allowedCidrs", "--operator-cidr"):
        assert fix in condition["message"]
    status = tenant.wait_until_ready(name)
    assert tenant.condition(name, "SchedulerReady")["status"] == "True"
    assert tenant.condition(name, "SchedulerReachable")["status"] == "False"
    (task,) = account.live_tasks(status["clusterArn"], role="scheduler")
    assert task["containers"][0]["healthStatus"] == "HEALTHY"
    assert kstatus(tenant.get(name)) == "Current"


def test_a_scheduler_on_another_port_than_the_spec_names_is_not_taken_for_ready(tenant: Tenant) -> None:
    name = tenant.apply(manifest(scheduler={**SMALL, "extraArgs": ["--port", "9786"]}))
    condition = tenant.wait_for_condition(name, "SchedulerReachable", "False", reason="Unreachable")
    assert ":8786" in condition["message"]
    assert tenant.condition(name, "SchedulerReady")["reason"] == "SchedulerStarting"
    assert "schedulerAddress" not in tenant.status(name)
    assert kstatus(tenant.get(name)) == "InProgress"
