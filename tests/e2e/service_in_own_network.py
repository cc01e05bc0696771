"""What `test_service.py` runs in a network namespace of its own, where a task's address can be an endpoint."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dask_ecs.local.aws.handle import LocalAWS
from dask_ecs.local.controlplane.run import ControlPlane
from dask_ecs.local.stack import Stack, apply_crds

from .aws_account import AwsAccount
from .conftest import QUICK, named_after, namespace
from .operator_process import OperatorProcess
from .operator_under_its_policy import operator_under_its_policy
from .own_network import VPC
from .tenant import Tenant, manifest
from .waiting import until


@pytest.fixture(scope="module")
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    apply_crds(control_plane.kubeconfig)
    with LocalAWS.start(executor="sim", vpc=VPC, delays=QUICK) as aws:
        yield Stack(kubeconfig=control_plane.kubeconfig, aws=aws, control_plane=control_plane)


@pytest.fixture(scope="module")
def operator(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    log = tmp_path_factory.mktemp("operator") / "log"
    with operator_under_its_policy("--all-namespaces", stack=stack, log=log) as operator:
        yield operator


@pytest.fixture
def tenant(stack: Stack, operator: OperatorProcess, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    with namespace(stack.kubeconfig, name=named_after(request)) as name:
        yield Tenant(stack.kubeconfig, name, operator)


def read(tenant: Tenant, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tenant.kubectl("get", kind, name, "--ignore-not-found", "-ojson") or "{}")
    return found


def endpoints(tenant: Tenant) -> list[str]:
    found = read(tenant, "endpointslice", "demo-scheduler")
    return [address for endpoint in found.get("endpoints") or () for address in endpoint["addresses"]]


def test_it_leads_to_the_scheduler_also_after_that_has_moved(tenant: Tenant, stack: Stack) -> None:
    account = AwsAccount(stack.aws)
    status = tenant.wait_until_ready(tenant.apply(manifest(replicas=1, service={"enabled": True})))
    assert status["service"] == {"name": "demo-scheduler"}
    service = read(tenant, "service", "demo-scheduler")
    assert {port["name"]: port["port"] for port in service["spec"]["ports"]} == {"scheduler": 8786, "dashboard": 8787}
    (before,) = endpoints(tenant)
    assert before in status["schedulerAddress"]

    account.ecs.stop_task(cluster=status["clusterArn"], task=status["schedulerTaskArn"])
    after = until(lambda: [one for one in endpoints(tenant) if one != before], shown=lambda: tenant.shown("demo"))
    assert after[0] in tenant.wait_until_ready("demo")["schedulerAddress"]

    tenant.delete("demo")
    tenant.wait_until_gone("demo")
    for kind, name in (("service", "demo-scheduler"), ("endpointslice", "demo-scheduler"), ("secret", "demo-binding")):
        until(lambda kind=kind, name=name: not read(tenant, kind, name))  # type: ignore[misc]


def test_a_service_of_somebody_else_is_left_alone(tenant: Tenant) -> None:
    tenant.kubectl("create", "service", "externalname", "demo-scheduler", "--external-name=example.org")
    tenant.apply(manifest(replicas=0, service={"enabled": True}))
    stalled = tenant.wait_for_condition("demo", "Stalled", reason="NameTaken")
    assert "demo-scheduler" in stalled["message"]
    assert read(tenant, "service", "demo-scheduler")["spec"]["externalName"] == "example.org"
