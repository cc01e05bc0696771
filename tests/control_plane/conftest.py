from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from dask_ecs.local import kubectl
from dask_ecs.local.controlplane.run import ControlPlane

Kubectl = Callable[..., str]


@pytest.fixture
def as_administrator(control_plane: ControlPlane) -> Kubectl:
    def run(*arguments: str, stdin: str | None = None) -> str:
        return kubectl.run(*arguments, kubeconfig=control_plane.kubeconfig, stdin=stdin)

    return run


@pytest.fixture
def namespace(as_administrator: Kubectl) -> Iterator[str]:
    name = f"test-{uuid4().hex[:8]}"
    as_administrator("create", "namespace", name)
    yield name
    as_administrator("delete", "namespace", name, "--wait=false", "--ignore-not-found")
