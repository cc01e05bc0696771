"""A release on a real API server: installed, upgraded, uninstalled."""

import json
from typing import Any

import pytest
import yaml

from dask_ecs.local import kubectl
from dask_ecs.local.controlplane.run import ControlPlane
from helm.installed import install, uninstall

CRD = "daskclusters.ecs.dask.org"
RELEASE = "life"


def get(control_plane: ControlPlane, *what: str) -> Any:
    return json.loads(kubectl.run("get", *what, "--output", "json", kubeconfig=control_plane.kubeconfig))


def deployment(control_plane: ControlPlane, namespace: str) -> dict[str, Any]:
    (found,) = get(control_plane, "deployments", "--namespace", namespace)["items"]
    assert isinstance(found, dict)
    return found


def test_installing_brings_the_custom_resource_and_uninstalling_leaves_it() -> None:
    with ControlPlane.start() as control_plane:
        with pytest.raises(kubectl.KubectlError, match="NotFound"):
            get(control_plane, "crd", CRD)

        install(control_plane, RELEASE, "default")
        # The second can not be waited for before the first is there.
        for fact in ("jsonpath={.status.acceptedNames.kind}=DaskCluster", "condition=Established"):
            kubectl.run(*("wait", f"--for={fact}", "--timeout=30s", f"crd/{CRD}"), kubeconfig=control_plane.kubeconfig)
        uninstall(control_plane, RELEASE, "default")

        assert get(control_plane, "crd", CRD)["spec"]["names"]["kind"] == "DaskCluster"
        assert get(control_plane, "deployments", "--all-namespaces")["items"] == []
        assert get(control_plane, "clusterroles", "--selector", f"app.kubernetes.io/instance={RELEASE}")["items"] == []


def test_an_upgrade_changes_the_operator_in_place(control_plane: ControlPlane, namespace: str) -> None:
    install(control_plane, RELEASE, namespace, {"image": {"tag": "one"}})
    before = deployment(control_plane, namespace)

    install(control_plane, RELEASE, namespace, {"image": {"tag": "two"}, "install": "blue"})

    after = deployment(control_plane, namespace)
    (operator,) = after["spec"]["template"]["spec"]["containers"]
    assert operator["image"] == "dask-ecs-operator:two"
    assert "--install=blue" in operator["args"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    uninstall(control_plane, RELEASE, namespace)


def test_two_operators_never_run_at_once(control_plane: ControlPlane, namespace: str) -> None:
    install(control_plane, RELEASE, namespace)

    spec = deployment(control_plane, namespace)["spec"]

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    uninstall(control_plane, RELEASE, namespace)


def test_the_pod_is_admitted_where_pods_are_restricted(control_plane: ControlPlane, namespace: str) -> None:
    install(control_plane, RELEASE, namespace)
    template = deployment(control_plane, namespace)["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {"name": "operator"}}

    created = kubectl.run(
        *("create", "--namespace", namespace, "--dry-run=server", "--filename", "-"),
        kubeconfig=control_plane.kubeconfig,
        stdin=yaml.safe_dump(pod),
    )

    assert "pod/operator created" in created
    uninstall(control_plane, RELEASE, namespace)


def test_the_user_is_told_what_to_do_next(control_plane: ControlPlane, namespace: str) -> None:
    said = install(control_plane, RELEASE, namespace)

    assert f"kubectl --namespace {namespace} logs deployment/{RELEASE}-dask-ecs-operator" in said
    assert "No aws.region is set" in said
    assert "eks\\.amazonaws\\.com/role-arn" in said
    uninstall(control_plane, RELEASE, namespace)
