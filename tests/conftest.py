"""What tests of several folders share."""

from collections.abc import Iterator

import pytest

from dask_ecs.local.controlplane.run import ControlPlane


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """A real Kubernetes control plane. Tests keep apart by making namespaces of their own."""
    with ControlPlane.start() as control_plane:
        yield control_plane
