"""The operator with no more rights than the chart gives its service account."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dask_ecs.local.controlplane.run import ControlPlane
from dask_ecs.local.stack import Stack
from helm import installed

from .aws_account import AwsAccount
from .computation import compute_on
from .conftest import named_after, namespace
from .operator_under_its_policy import operator_under_its_policy
from .tenant import Tenant, manifest

_RELEASE = "dask"


@pytest.fixture(params=["all namespaces", "watchNamespaces"])
def charted_tenant(
    request: pytest.FixtureRequest,
    control_plane: ControlPlane,
    quiet_stack: Stack,
    quiet_account: AwsAccount,
    tmp_path: Path,
) -> Iterator[Tenant]:
    """A namespace for this test, and an operator that runs as the installed chart's service account."""
    name = named_after(request)
    with (
        namespace(control_plane.kubeconfig, name=name) as tenants,
        namespace(control_plane.kubeconfig, name=f"x{name[1:]}") as operators,
    ):
        everywhere = request.param == "all namespaces"
        values: dict[str, Any] = {} if everywhere else {"watchNamespaces": [tenants], "install": "charted"}
        arguments = ["--all-namespaces"] if everywhere else ["--namespace", tenants, "--install", "charted"]
        installed.install(control_plane, _RELEASE, operators, values)
        kubeconfig = installed.kubeconfig_of_service_account(control_plane, _RELEASE, operators)
        environment = {"KUBECONFIG": str(kubeconfig)}
        with operator_under_its_policy(
            *arguments, stack=quiet_stack, environment=environment, log=tmp_path / "operator.log"
        ) as operator:
            yield Tenant(quiet_stack.kubeconfig, tenants, operator)
        installed.uninstall(control_plane, _RELEASE, operators)


def test_the_whole_way_works_with_the_charts_permissions(charted_tenant: Tenant, quiet_account: AwsAccount) -> None:
    name = charted_tenant.apply(manifest())
    charted_tenant.wait_until_ready(name, workers=1)
    compute_on(charted_tenant, name)
    charted_tenant.scale(name, 2)
    charted_tenant.wait_until_ready(name, workers=2)
    assert {"Launching", "Ready"} <= {event["reason"] for event in charted_tenant.events(name)}
    uid = (charted_tenant.get(name) or {})["metadata"]["uid"]
    charted_tenant.delete(name)
    charted_tenant.wait_until_gone(name)
    assert quiet_account.leftovers(uid, namespace=charted_tenant.namespace) == []
    assert "orbidden" not in charted_tenant.operator.said
