"""What the embedded control plane has in common with any other."""

import http.client
import json
import ssl
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from dask_ecs.local import kubectl
from dask_ecs.local.controlplane import build
from dask_ecs.local.controlplane.run import ControlPlane

Kubectl = Callable[..., str]
AsServiceAccount = Callable[[str], Path]


@pytest.fixture
def as_service_account(
    control_plane: ControlPlane, as_administrator: Kubectl, namespace: str, tmp_path: Path
) -> AsServiceAccount:
    """Make a service account; return the kubeconfig that has a token of its, from TokenRequest."""

    def make(name: str) -> Path:
        as_administrator("create", "serviceaccount", name, "--namespace", namespace)
        token = as_administrator("create", "token", name, "--namespace", namespace).strip()
        kubeconfig = tmp_path / name
        kubeconfig.write_text(control_plane.service_account_kubeconfig(token, namespace=namespace))
        return kubeconfig

    return make


def test_the_server_is_of_the_release_that_go_mod_pins_and_kubectl_of_the_same_minor(as_administrator: Kubectl) -> None:
    versions = json.loads(as_administrator("version", "--output=json"))
    server, client = versions["serverVersion"], versions["clientVersion"]
    assert server["gitVersion"] == build.kubernetes_version((build.SOURCES / "go.mod").read_text())
    assert (server["major"], server["minor"]) == (client["major"], client["minor"])


@pytest.mark.parametrize("path", ["/version", "/readyz", "/api/v1/namespaces"])
def test_an_anonymous_request_is_refused(control_plane: ControlPlane, path: str) -> None:
    trust = ssl.create_default_context(cadata=control_plane.authority.decode())
    connection = http.client.HTTPSConnection(control_plane.url.removeprefix("https://"), context=trust, timeout=10)
    connection.request("GET", path)
    assert connection.getresponse().status == http.HTTPStatus.UNAUTHORIZED
    connection.close()


def test_a_client_that_does_not_know_the_authority_does_not_trust_the_server(control_plane: ControlPlane) -> None:
    connection = http.client.HTTPSConnection(control_plane.url.removeprefix("https://"), timeout=10)
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", "/version")


def test_a_service_account_is_who_its_requested_token_says(
    as_service_account: AsServiceAccount, namespace: str
) -> None:
    answer = kubectl.run("auth", "whoami", "--output=json", kubeconfig=as_service_account("operator"))
    assert json.loads(answer)["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:operator"


def test_a_service_account_may_do_what_it_was_given_and_nothing_else(
    as_administrator: Kubectl, as_service_account: AsServiceAccount, namespace: str
) -> None:
    kubeconfig = as_service_account("reader")
    with pytest.raises(kubectl.KubectlError, match=r'cannot list resource "configmaps"'):
        kubectl.run("get", "configmaps", kubeconfig=kubeconfig)

    for command in (
        ("create", "role", "reader", "--verb=list", "--resource=configmaps"),
        ("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader"),
    ):
        as_administrator(*command, "--namespace", namespace)

    kubectl.run("get", "configmaps", kubeconfig=kubeconfig)
    with pytest.raises(kubectl.KubectlError, match=r'cannot list resource "secrets"'):
        kubectl.run("get", "secrets", kubeconfig=kubeconfig)
    with pytest.raises(kubectl.KubectlError, match=r'cannot create resource "configmaps"'):
        kubectl.run("create", "configmap", "mine", kubeconfig=kubeconfig)


def test_a_deleted_namespace_goes_with_what_is_in_it(as_administrator: Kubectl, namespace: str) -> None:
    as_administrator("create", "configmap", "content", "--namespace", namespace)
    as_administrator("delete", "namespace", namespace, "--timeout=30s")
    assert as_administrator("get", "namespace", namespace, "--ignore-not-found") == ""
    assert as_administrator("get", "configmap", "content", "--namespace", namespace, "--ignore-not-found") == ""


def test_what_a_deleted_object_owned_is_collected(as_administrator: Kubectl, namespace: str) -> None:
    as_administrator("create", "configmap", "owner", "--namespace", namespace)
    uid = as_administrator("get", "configmap", "owner", "--namespace", namespace, "--output=jsonpath={.metadata.uid}")
    owned = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "owned",
            "namespace": namespace,
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}],
        },
    }
    as_administrator("create", "--filename=-", stdin=json.dumps(owned))
    as_administrator("delete", "configmap", "owner", "--namespace", namespace)
    as_administrator("wait", "--for=delete", "configmap/owned", "--namespace", namespace, "--timeout=30s")
    assert as_administrator("get", "configmap", "owned", "--namespace", namespace, "--ignore-not-found") == ""


def test_only_the_api_server_listens_and_only_on_loopback(control_plane: ControlPlane) -> None:
    listening = {
        process.name(): {
            f"{connection.laddr.ip}:{connection.laddr.port}"
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }
        for process in psutil.Process().children(recursive=True)
        if process.cwd() == str(control_plane.directory) and "python" not in process.name()
    }
    assert listening == {
        "etcd": set(),
        "kube-apiserver": {control_plane.url.removeprefix("https://")},
        "kube-controller-manager": set(),
    }
    assert (control_plane.directory / "etcd.sock").is_socket()
    assert control_plane.directory.stat().st_mode & 0o077 == 0
