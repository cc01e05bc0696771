"""With ECS's events nothing is polled, and what changes is known at once."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dask_ecs.local.stack import Stack

from .aws_account import AwsAccount
from .conftest import named_after, namespace
from .operator_under_its_policy import operator_under_its_policy
from .tenant import Tenant, manifest
from .waiting import until


@pytest.fixture
def told_tenant(
    quiet_stack: Stack, quiet_account: AwsAccount, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Tenant]:
    """A namespace whose operator is told of its tasks by ECS's events."""
    program = Path(sys.executable).parent / "dask-ecs"
    options = ["--install", "told"]
    environment = quiet_stack.environment
    setup = subprocess.run(
        [program, "events", "setup", *options], env=environment, check=True, capture_output=True, text=True
    )
    with namespace(quiet_stack.kubeconfig, name=named_after(request)) as name:
        arguments = ["--namespace", name, *options, "--events-queue", setup.stdout.split()[-1]]
        with operator_under_its_policy(*arguments, stack=quiet_stack, log=tmp_path / "operator.log") as operator:
            yield Tenant(quiet_stack.kubeconfig, name, operator)
    subprocess.run([program, "events", "teardown", *options], env=environment, check=True)


def test_a_clusters_whole_life_is_told_and_hardly_asked_for(told_tenant: Tenant, quiet_account: AwsAccount) -> None:
    quiet_account.aws.reset_calls()
    name = told_tenant.apply(manifest(replicas=2))
    status = told_tenant.wait_until_ready(name, workers=2)
    (dead, _) = quiet_account.live_tasks(status["clusterArn"], role="worker")
    quiet_account.aws.reset_calls()
    quiet_account.aws.kill_container(dead["taskArn"])
    until(lambda: quiet_account.aws.calls().get("ecs:RunTask"), shown=lambda: told_tenant.shown(name))
    assert "ecs:ListTasks" not in quiet_account.aws.calls()
    told_tenant.wait_until_ready(name, workers=2)
    told_tenant.delete(name)
    told_tenant.wait_until_gone(name)
    assert quiet_account.leftovers("none", namespace=told_tenant.namespace) == []
    calls = quiet_account.aws.calls()
    assert calls.get("ecs:DescribeTasks", 0) <= 3, "for what events may have lost, each 20 s"
