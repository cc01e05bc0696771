"""The volumes of a task definition, and what of the instances a tenant reaches by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dask_ecs.api.container import MountPoint
    from dask_ecs.api.volumes import DockerVolume, Volume


def definitions(volumes: Iterable[Volume], mounted: Iterable[MountPoint]) -> list[dict[str, Any]]:
    """Return RegisterTaskDefinition's volumes: those that some container of the task mounts."""
    names = {point.source_volume for point in mounted}
    return [volume.model_dump(mode="json", exclude_none=True) for volume in volumes if volume.name in names]


def mount_points(points: Iterable[MountPoint]) -> list[dict[str, Any]]:
    """Return a container definition's mountPoints."""
    return [point.model_dump(mode="json") for point in points]


def on_the_instance(volume: Volume) -> str | None:
    """Return what of its instance a volume reaches, for the owner's patterns; None if nothing.

    It is a folder's path or, as Docker's local driver mounts folders too, `docker:DRIVER:NAME[,OPTION=VALUE...]`.
    """
    if volume.host:
        return volume.host.source_path
    if docker := volume.docker_volume_configuration:
        return _docker(volume.name, docker)
    return None


def _docker(name: str, docker: DockerVolume) -> str:
    options = [f"{option}={value}" for option, value in sorted(docker.driver_opts.items())]
    return ",".join([f"docker:{docker.driver}:{name}", *options])
