from collections.abc import Iterator
from uuid import uuid4

import pytest

from dask_ecs.local import kubectl
from dask_ecs.local.controlplane.run import ControlPlane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace whose pods are held to the strictest of Kubernetes' pod security standards."""
    name = f"chart-{uuid4().hex[:8]}"
    kubectl.run("create", "namespace", name, kubeconfig=control_plane.kubeconfig)
    kubectl.run(
        *("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"),
        kubeconfig=control_plane.kubeconfig,
    )
    yield name
    kubectl.run("delete", "namespace", name, "--wait=false", kubeconfig=control_plane.kubeconfig)
