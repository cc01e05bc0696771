"""An object that broke no rule when it was made, and does by the rules of today."""

import copy
import json
from collections.abc import Iterator

import pytest

from dask_ecs.api.crd import crds
from dask_ecs.local import kubectl
from dask_ecs.local.stack import Stack, apply_crds

from .aws_account import AwsAccount
from .tenant import Tenant, manifest


@pytest.fixture(scope="module")
def quiet_stack(simulated_stack: Stack) -> Iterator[Stack]:
    """A stack whose CRD lets every spec through."""
    (lenient,) = copy.deepcopy(crds())
    schema = lenient["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    kubeconfig = simulated_stack.kubeconfig
    kubectl.run(
        *("apply", "--server-side", "--force-conflicts", "--filename=-"),
        kubeconfig=kubeconfig,
        stdin=json.dumps(lenient),
    )
    yield simulated_stack
    apply_crds(kubeconfig)


def test_it_is_told_what_is_wrong_runs_on_and_goes_when_it_is_deleted(
    lone_tenant: Tenant, quiet_account: AwsAccount
) -> None:
    name = lone_tenant.apply(manifest(replicas=2))
    before = lone_tenant.wait_until_ready(name)
    uid = (lone_tenant.get(name) or {})["metadata"]["uid"]
    lone_tenant.patch(name, {"worker": {"cpu": 3, "memory": "much"}, "tags": {"aws:mine": "no"}})
    stalled = lone_tenant.wait_for_condition(name, "Stalled", "True")
    assert stalled["reason"] == "InvalidSpec"
    assert "spec.worker.memory" in stalled["message"]
    assert len(quiet_account.live_tasks(before["clusterArn"], uid=uid)) == 3

    lone_tenant.delete(name)
    lone_tenant.wait_until_gone(name)
    assert quiet_account.leftovers(uid, namespace=lone_tenant.namespace) == []
