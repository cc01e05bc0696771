"""Which programs to run: those in KUBEBUILDER_ASSETS, those built before, or newly built ones, in this order."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dask_ecs.local.controlplane import build
from dask_ecs.local.errors import LocalError


class MissingBinaryError(LocalError):
    """KUBEBUILDER_ASSETS names a folder that has no etcd or no kube-apiserver."""


@dataclass(frozen=True)
class Binaries:
    """Where the control plane's programs are.

    Without ``kube_controller_manager`` nothing deletes a namespace's contents, nor what has lost its owner, nor makes
    service accounts called `default`.
    """

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path | None


def find(environment: Mapping[str, str]) -> Binaries:
    """Return the programs to run, building them (minutes, said on stderr) where neither choice before has them.

    Raises :class:`MissingBinaryError`, or :class:`build.BuildError`.
    """
    assets = environment.get("KUBEBUILDER_ASSETS")
    if assets:
        return in_assets(Path(assets))
    return in_folder(build.cached_or_built(environment))


def in_assets(folder: Path) -> Binaries:
    """Return the programs of a KUBEBUILDER_ASSETS ``folder``, which setup-envtest fills without a controller manager.

    Raises :class:`MissingBinaryError`.
    """
    binaries = in_folder(folder)
    for program in (binaries.etcd, binaries.kube_apiserver):
        if not program.is_file():
            raise MissingBinaryError(
                f"KUBEBUILDER_ASSETS={folder} has no {program.name}: "
                "point it to a folder that has etcd and kube-apiserver, or unset it to have them built"
            )
    return binaries


def in_folder(folder: Path) -> Binaries:
    """Return the programs of ``folder`` by their usual names."""
    controller_manager = folder / "kube-controller-manager"
    return Binaries(
        etcd=folder / "etcd",
        kube_apiserver=folder / "kube-apiserver",
        kube_controller_manager=controller_manager if controller_manager.is_file() else None,
    )
