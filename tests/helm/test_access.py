"""The installed operator may do what it needs, and nothing else."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from dask_ecs.local import kubectl
from dask_ecs.local.controlplane.run import ControlPlane
from e2e.waiting import until
from helm.installed import install, kubeconfig_of_service_account, service_account_of, uninstall

RELEASE = "access"


@dataclass(frozen=True)
class Access:
    """One request, as RBAC sees it."""

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""
    name: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.verb, self.group, self.resource, self.subresource, self.name)))


DASK = "ecs.dask.org"
READ_KUBE_SYSTEM = Access("get", "namespaces", name="kube-system")
NEEDED = [
    Access("get", "daskclusters", DASK),
    Access("list", "daskclusters", DASK),
    Access("watch", "daskclusters", DASK),
    Access("patch", "daskclusters", DASK),
    Access("patch", "daskclusters", DASK, "status"),
    Access("create", "events"),
    *(Access(verb, "secrets") for verb in ("get", "create", "patch")),
    *(Access(verb, "services") for verb in ("get", "create", "patch", "delete")),
    *(Access(verb, "endpointslices", "discovery.k8s.io") for verb in ("get", "create", "patch", "delete")),
]
NOT_NEEDED = [
    Access("create", "daskclusters", DASK),
    Access("update", "daskclusters", DASK),
    Access("delete", "daskclusters", DASK),
    Access("deletecollection", "daskclusters", DASK),
    Access("update", "daskclusters", DASK, "status"),
    Access("patch", "daskclusters", DASK, "scale"),
    Access("list", "events"),
    Access("list", "secrets"),
    Access("watch", "secrets"),
    Access("delete", "secrets"),
    Access("list", "services"),
    Access("list", "endpointslices", "discovery.k8s.io"),
    Access("get", "configmaps"),
    Access("get", "pods"),
    Access("create", "pods"),
    Access("create", "serviceaccounts", subresource="token"),
    Access("get", "deployments", "apps"),
    Access("list", "namespaces"),
    Access("get", "namespaces", name="default"),
    Access("list", "customresourcedefinitions", "apiextensions.k8s.io"),
    Access("escalate", "clusterroles", "rbac.authorization.k8s.io"),
    Access("*", "*", "*"),
]

MayI = Callable[[Access, str], bool]


def asking(control_plane: ControlPlane, *, account: str, account_namespace: str) -> MayI:
    """Return a function that asks the API server what a service account may do in a namespace."""
    user = f"system:serviceaccount:{account_namespace}:{account}"

    def may(access: Access, namespace: str) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": {**asdict(access), "namespace": namespace}},
        }
        answer = kubectl.run(
            *("create", "--filename", "-", "--output", "jsonpath={.status.allowed}"),
            kubeconfig=control_plane.kubeconfig,
            stdin=json.dumps(review),
        )
        assert answer in {"true", "false"}
        return answer == "true"

    return may


@pytest.fixture(scope="module")
def installed(control_plane: ControlPlane) -> Iterator[tuple[str, str]]:
    """A release that watches all namespaces, as (namespace, service account)."""
    install(control_plane, RELEASE, "default")
    yield "default", service_account_of(control_plane, RELEASE, "default")
    uninstall(control_plane, RELEASE, "default")


@pytest.fixture
def may(control_plane: ControlPlane, installed: tuple[str, str]) -> MayI:
    namespace, account = installed
    return asking(control_plane, account=account, account_namespace=namespace)


@pytest.mark.parametrize("access", NEEDED, ids=str)
def test_the_operator_may_do_what_it_needs_in_any_namespace(may: MayI, namespace: str, access: Access) -> None:
    assert may(access, namespace)


@pytest.mark.parametrize("access", NOT_NEEDED, ids=str)
def test_the_operator_may_not_do_anything_else(may: MayI, access: Access) -> None:
    assert not may(access, "default")


@pytest.mark.parametrize(
    ("role", "may_write"), [("view", False), ("edit", True), ("admin", True)], ids=["view", "edit", "admin"]
)
@pytest.mark.usefixtures("installed")
def test_kubernetes_own_roles_hold_dask_clusters(
    control_plane: ControlPlane, namespace: str, role: str, *, may_write: bool
) -> None:
    kubectl.run(
        *("create", "rolebinding", role, "--clusterrole", role, "--serviceaccount", f"{namespace}:default"),
        *("--namespace", namespace),
        kubeconfig=control_plane.kubeconfig,
    )
    may = asking(control_plane, account="default", account_namespace=namespace)
    until(lambda: may(Access("create" if may_write else "list", "daskclusters", DASK), namespace))

    writes = [Access(verb, "daskclusters", DASK) for verb in ("create", "update", "patch", "delete")]
    writes.append(Access("patch", "daskclusters", DASK, "scale"))
    assert {may(access, namespace) for access in writes} == {may_write}
    assert may(Access("watch", "daskclusters", DASK), namespace)
    assert not may(Access("patch", "daskclusters", DASK, "status"), namespace)
    assert not may(Access("get", "daskclusters", DASK), "default")


def test_the_operator_may_read_whose_cluster_it_is(may: MayI) -> None:
    assert may(READ_KUBE_SYSTEM, "kube-system")


def test_with_an_install_id_it_need_not_read_whose_cluster_it_is(control_plane: ControlPlane, namespace: str) -> None:
    install(control_plane, "named", namespace, {"install": "blue"})
    account = service_account_of(control_plane, "named", namespace)
    may = asking(control_plane, account=account, account_namespace=namespace)

    assert not may(READ_KUBE_SYSTEM, "kube-system")
    assert may(Access("list", "daskclusters", DASK), "default")
    uninstall(control_plane, "named", namespace)


def test_with_namespaces_it_may_act_in_these_only(control_plane: ControlPlane, namespace: str) -> None:
    install(control_plane, "narrow", namespace, {"watchNamespaces": [namespace], "install": "blue"})
    account = service_account_of(control_plane, "narrow", namespace)
    may = asking(control_plane, account=account, account_namespace=namespace)

    for access in NEEDED:
        assert may(access, namespace), access
        assert not may(access, "default"), access
    uninstall(control_plane, "narrow", namespace)


def test_a_kubeconfig_of_the_release_is_its_service_accounts(
    control_plane: ControlPlane, installed: tuple[str, str]
) -> None:
    namespace, account = installed

    kubeconfig: Path = kubeconfig_of_service_account(control_plane, RELEASE, namespace)

    who = json.loads(kubectl.run("auth", "whoami", "--output", "json", kubeconfig=kubeconfig))
    assert who["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:{account}"
    kubectl.run("get", "daskclusters", "--all-namespaces", kubeconfig=kubeconfig)
    with pytest.raises(kubectl.KubectlError, match="secrets is forbidden"):
        kubectl.run("get", "secrets", kubeconfig=kubeconfig)
