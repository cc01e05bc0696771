"""Edits of the spec: new tasks follow them, running ones are let be."""

from typing import Any

import pytest

from .aws_account import AwsAccount
from .tenant import Tenant, manifest
from .waiting import until


@pytest.mark.parametrize(
    "edit",
    [{"worker": {"environment": [{"name": "COLOUR", "value": "green"}]}}, {"image": "daskdev/dask:latest"}],
    ids=["environment", "image"],
)
def test_new_workers_follow_an_edit_and_old_ones_run_on(
    tenant: Tenant, account: AwsAccount, edit: dict[str, Any]
) -> None:
    name = tenant.apply(manifest(replicas=1))
    before = tenant.wait_until_ready(name, workers=1)
    cluster = before["clusterArn"]
    (old,) = account.live_tasks(cluster, role="worker")
    tenant.patch(name, edit)
    edited = tenant.wait_until_ready(name, workers=1)
    assert edited["taskDefinitions"]["worker"] != before["taskDefinitions"]["worker"]
    assert edited["schedulerTaskArn"] == before["schedulerTaskArn"]
    assert [task["taskArn"] for task in account.live_tasks(cluster, role="worker")] == [old["taskArn"]]
    said = tenant.condition(name, "WorkersReady")
    assert said["status"] == "True"
    assert said["message"] == "1 of them still run an older spec; each is replaced when it ends."

    tenant.scale(name, 2)
    tenant.wait_until_ready(name, workers=2)
    used = {task["taskArn"]: task["taskDefinitionArn"] for task in account.live_tasks(cluster, role="worker")}
    assert used.pop(old["taskArn"]) == before["taskDefinitions"]["worker"]
    assert list(used.values()) == [edited["taskDefinitions"]["worker"]]
    (container,) = account.ecs.describe_task_definition(taskDefinition=edited["taskDefinitions"]["worker"])[
        "taskDefinition"
    ]["containerDefinitions"]
    assert container["image"] == edited["image"]
    for variable in edit.get("worker", {}).get("environment", ()):
        assert variable in container["environment"]

    account.aws.kill_container(old["taskArn"])
    until(lambda: not tenant.condition(name, "WorkersReady").get("message"), shown=lambda: tenant.shown(name))
    tenant.wait_until_ready(name, workers=2)
    assert tenant.condition(name, "WorkersReady")["message"] == ""

    uid = (tenant.get(name) or {})["metadata"]["uid"]
    tenant.kubectl("delete", "dkc", name)
    assert account.leftovers(uid, namespace=tenant.namespace) == [], "not even the older definition"
