"""More workers and fewer, by `kubectl scale`, without loss."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.local.controlplane.run import ControlPlane
from dask_ecs.local.stack import Stack, apply_crds

from .aws_account import AwsAccount
from .conftest import namespace
from .connecting import connect
from .operator_under_its_policy import operator_under_its_policy
from .tenant import Tenant, manifest
from .waiting import until


def test_kubectl_scales_up_down_to_nothing_and_up_again(tenant: Tenant, account: AwsAccount) -> None:
    name = tenant.apply(manifest(replicas=1))
    tenant.wait_until_ready(name, workers=1)
    tenant.scale(name, 2)
    cluster = tenant.wait_until_ready(name, workers=2)["clusterArn"]
    scheduler = tenant.status(name)["schedulerTaskArn"]
    tenant.scale(name, 0)
    tenant.wait_until_ready(name, workers=0)
    assert account.live_tasks(cluster, role="worker") == []
    tenant.scale(name, 1)
    tenant.wait_until_ready(name, workers=1)
    assert len(account.live_tasks(cluster, role="worker")) == 1
    assert tenant.status(name)["schedulerTaskArn"] == scheduler


def test_results_on_retired_workers_survive_and_nothing_is_computed_again(tenant: Tenant, tmp_path: Path) -> None:
    journal = tmp_path / "computed"

    def noted(number: int) -> int:
        with journal.open("a") as lines:
            lines.write(f"{number}\n")
        return number * number

    name = tenant.apply(manifest(replicas=2))
    tenant.wait_until_ready(name, workers=2)
    with connect(tenant, name) as client:
        workers = list(client.scheduler_info(n_workers=-1)["workers"])
        futures = [
            client.submit(noted, 2 * number + side, workers=[worker], allow_other_workers=True, pure=False)
            for number in range(5)
            for side, worker in enumerate(workers)
        ]
        assert sum(client.gather(futures)) == 285
        held = client.who_has(futures)
        assert {worker for workers in held.values() for worker in workers} == set(workers)
        tenant.scale(name, 1)
        tenant.wait_until_ready(name, workers=1)
        assert sum(client.gather(futures)) == 285
    assert sorted(map(int, journal.read_text().split())) == list(range(10))
    assert any(event["reason"] == "Retiring" for event in tenant.events(name))


def test_eight_workers_become_two_in_the_middle_of_a_computation(tenant: Tenant, tmp_path: Path) -> None:
    inputs_done, outputs_done = tmp_path / "inputs", tmp_path / "outputs"

    def first(number: int) -> int:
        with inputs_done.open("a") as lines:
            lines.write(f"{number}\n")
        return number

    def second(number: int) -> int:
        time.sleep(1)
        with outputs_done.open("a") as lines:
            lines.write(f"{number}\n")
        return 2 * number

    name = tenant.apply(manifest(replicas=8))
    tenant.wait_until_ready(name, workers=8)
    with connect(tenant, name) as client:
        workers = list(client.scheduler_info(n_workers=-1)["workers"])
        inputs = [
            client.submit(first, number, pure=False, workers=[workers[number % 8]], allow_other_workers=True)
            for number in range(40)
        ]
        assert client.gather(inputs) == list(range(40))
        assert len({worker for holders in client.who_has(inputs).values() for worker in holders}) == 8
        outputs = client.map(second, inputs, pure=False)
        until(lambda: sum(output.done() for output in outputs) >= 8)
        known = [number for number, output in enumerate(outputs) if output.done()]
        tenant.scale(name, 2)
        tenant.wait_until_ready(name, workers=2)
        assert client.gather(outputs) == [2 * number for number in range(40)]
        assert client.gather(inputs) == list(range(40))
    assert sorted(map(int, inputs_done.read_text().split())) == list(range(40)), "each was computed once"
    times = Counter(map(int, outputs_done.read_text().split()))
    assert {times[number] for number in known} == {1}, "no finished result was computed again"


def test_workers_that_have_not_joined_go_first(lone_tenant: Tenant, quiet_account: AwsAccount) -> None:
    name = lone_tenant.apply(manifest(replicas=1))
    cluster = lone_tenant.wait_until_ready(name, workers=1)["clusterArn"]
    (joined,) = quiet_account.live_tasks(cluster, role="worker")
    quiet_account.aws.delays(pending=600)
    lone_tenant.scale(name, 3)
    until(lambda: len(quiet_account.live_tasks(cluster, role="worker")) == 3, shown=lambda: lone_tenant.shown(name))
    lone_tenant.scale(name, 1)
    lone_tenant.wait_until_ready(name, workers=1)
    assert [task["taskArn"] for task in quiet_account.live_tasks(cluster, role="worker")] == [joined["taskArn"]]


@pytest.fixture
def simulated(control_plane: ControlPlane) -> Iterator[Stack]:
    """A stack whose tasks are simulated: many workers for little."""
    apply_crds(control_plane.kubeconfig)
    with LocalAWS.start(executor="sim") as aws:
        yield Stack(kubeconfig=control_plane.kubeconfig, aws=aws, control_plane=control_plane)


def test_twelve_workers_are_asked_for_in_two_calls(simulated: Stack, tmp_path: Path) -> None:
    with (
        namespace(simulated.kubeconfig, name="twelve-workers") as name,
        operator_under_its_policy("--namespace", name, stack=simulated, log=tmp_path / "log") as operator,
    ):
        tenant = Tenant(simulated.kubeconfig, name, operator)
        tenant.apply(manifest(replicas=12))
        tenant.wait_until_ready("demo", workers=12)
        calls = [call for call in simulated.aws.call_log("ecs:RunTask") if not call["outcome"]]
        assert [call["parameters"]["count"] for call in calls] == [1, 10, 2]
        assert len({call["parameters"]["clientToken"] for call in calls}) == 3
        tenant.scale("demo", 3)
        tenant.wait_until_ready("demo", workers=3)
        tenant.kubectl("delete", "dkc", "demo")
