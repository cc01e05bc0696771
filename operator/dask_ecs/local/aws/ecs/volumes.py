"""A task's volumes: which folders its containers see where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..executors.container import Mount

if TYPE_CHECKING:
    from .task import Container, Task


def mounts(task: Task, container: Container) -> tuple[Mount, ...]:
    """Return what a container's mount points are, each volume as a folder below the executor's own."""
    volumes = {volume["name"]: volume for volume in task.definition.described.get("volumes") or []}
    return tuple(
        Mount(
            folder=_folder(task, volumes[point["sourceVolume"]]),
            path=point["containerPath"],
            read_only=bool(point.get("readOnly")),
        )
        for point in container.definition.get("mountPoints") or []
    )


def _folder(task: Task, volume: dict[str, Any]) -> str:
    """Return whose a volume is: a file system's, an instance's, or the task's alone."""
    name = volume["name"]
    if efs := volume.get("efsVolumeConfiguration"):
        point = (efs.get("authorizationConfig") or {}).get("accessPointId")
        return f"efs/{efs['fileSystemId']}/{point or (efs.get('rootDirectory') or '').strip('/')}"
    instance = f"instances/{task.instance.id if task.instance else task.id}"
    if source := (volume.get("host") or {}).get("sourcePath"):
        return f"{instance}/host/{source.strip('/')}"
    if (volume.get("dockerVolumeConfiguration") or {}).get("scope") == "shared":
        return f"{instance}/docker/{name}"
    return f"{task.id[:12]}/.volumes/{name}"
