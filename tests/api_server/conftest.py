"""A cluster that knows the CRDs, and what its user types."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dask_ecs.api.daskcluster import API_VERSION, KIND
from dask_ecs.local import kubectl
from dask_ecs.local.controlplane.run import ControlPlane
from dask_ecs.local.stack import apply_crds


@dataclass(frozen=True)
class User:
    """Somebody with kubectl and a namespace."""

    kubeconfig: Path
    namespace: str

    def types(self, *arguments: str, stdin: str | None = None) -> str:
        return kubectl.run("--namespace", self.namespace, *arguments, kubeconfig=self.kubeconfig, stdin=stdin)

    def is_told(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a kubectl command that must fail, and return what it says."""
        with pytest.raises(kubectl.KubectlError) as failure:
            self.types(*arguments, stdin=stdin)
        return str(failure.value)

    def applies(self, name: str, spec: Mapping[str, Any], *options: str) -> str:
        return self.types("apply", "-f", "-", *options, stdin=manifest(name, spec))

    def is_refused(self, name: str, spec: Mapping[str, Any]) -> str:
        return self.is_told("apply", "-f", "-", stdin=manifest(name, spec))

    def reads(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.types("get", "dkc", name, "-o", "json"))
        return found


def manifest(name: str, spec: Mapping[str, Any]) -> str:
    return json.dumps({"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec})


@pytest.fixture(scope="session")
def kubeconfig_with_crds(control_plane: ControlPlane) -> Path:
    apply_crds(control_plane.kubeconfig)
    return control_plane.kubeconfig


@pytest.fixture
def user(kubeconfig_with_crds: Path) -> Iterator[User]:
    namespace = f"user-{uuid.uuid4().hex[:8]}"
    kubectl.run("create", "namespace", namespace, kubeconfig=kubeconfig_with_crds)
    yield User(kubeconfig_with_crds, namespace)
    kubectl.run("delete", "namespace", namespace, "--wait=false", kubeconfig=kubeconfig_with_crds)


@pytest.fixture
def refused_user(kubeconfig_with_crds: Path) -> User:
    """Somebody who gets nothing made, and so needs no namespace of their own."""
    return User(kubeconfig_with_crds, "default")
