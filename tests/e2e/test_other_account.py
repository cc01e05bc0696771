"""An operator that was restarted with credentials of another AWS account."""

import json
import re

import pytest

from dask_ecs.local.stack import Stack

from .aws_account import AwsAccount
from .tenant import Tenant, manifest


@pytest.fixture(scope="module")
def quiet_stack(simulated_stack: Stack) -> Stack:
    return simulated_stack


def test_nothing_is_made_or_deleted_in_an_account_that_the_cluster_is_not_in(
    lone_tenant: Tenant, quiet_account: AwsAccount
) -> None:
    tenant, ours = lone_tenant, "123456789012"
    name = tenant.apply(manifest(replicas=1))
    before = tenant.wait_until_ready(name, workers=1)
    assert before["accountId"] == ours
    uid = (tenant.get(name) or {})["metadata"]["uid"]
    tenant.operator.terminate()

    def say(account_id: str) -> None:
        patch = json.dumps({"status": {"accountId": account_id}})
        tenant.kubectl("patch", "dkc", name, "--subresource=status", "--type=merge", f"--patch={patch}")

    say("999999999999")  # the local AWS has one account, so it is the object that is of another one
    quiet_account.aws.reset_calls()
    tenant.operator.restart()
    stalled = tenant.wait_for_condition(name, "Stalled", reason="OtherAccount")
    assert "in AWS account 999999999999" in stalled["message"]
    tenant.scale(name, 2)
    tenant.delete(name)
    tenant.wait_for(name, lambda status: status["phase"] == "Deleting")
    changes = {operation for operation in quiet_account.aws.calls() if not re.search(":(List|Describe|Get)", operation)}
    assert changes == set()

    tenant.operator.terminate()
    say(ours)
    tenant.operator.restart()
    tenant.wait_until_gone(name)
    assert quiet_account.leftovers(uid, namespace=tenant.namespace) == []
