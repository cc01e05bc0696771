"""The volumes that tasks may mount, as ECS's task definitions have them."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dask_ecs.api.fields import (
    AccessPointId,
    ContainerPath,
    FileSystemId,
    HostPath,
    Port,
    VolumeName,
    VolumeOptions,
    keyed_by,
)
from dask_ecs.api.model import Model
from dask_ecs.api.rules import Rule


class EfsAuthorization(Model):
    """By which right a file system is mounted."""

    access_point_id: AccessPointId | None = None
    """Access point through which it is mounted."""

    iam: Literal["ENABLED", "DISABLED"] = "DISABLED"
    """Whether it is mounted with the task role, which then needs elasticfilesystem:ClientMount."""


def _goes_in_by_one_door(efs: "EfsVolume") -> bool:
    point = efs.authorization_config and efs.authorization_config.access_point_id
    return not point or efs.root_directory in (None, "/")


# ECS API reference, EFSVolumeConfiguration, for the rules.
class EfsVolume(Model):
    """A file system of Amazon EFS."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.transitEncryption == 'ENABLED' || !has(self.authorizationConfig)",
            holds=lambda efs: efs.transit_encryption == "ENABLED" or efs.authorization_config is None,
            message="access points and IAM need encryption on the way: remove transitEncryption, or set it to ENABLED",
            field=".transitEncryption",
        ),
        Rule(
            cel="!has(self.rootDirectory) || self.rootDirectory == '/'"
            " || !has(self.authorizationConfig) || !has(self.authorizationConfig.accessPointId)",
            holds=_goes_in_by_one_door,
            message="an access point has its own root directory: remove rootDirectory",
            field=".rootDirectory",
        ),
    )

    file_system_id: FileSystemId
    """The file system, as fs-0123456789abcdef0. It needs mount targets that the tasks' security groups can reach."""

    root_directory: ContainerPath | None = None
    """Folder of the file system to mount; by default all of it."""

    transit_encryption: Literal["ENABLED", "DISABLED"] = "ENABLED"
    """Whether data is encrypted on its way."""

    transit_encryption_port: Port | None = None
    """Port of the encrypted connection on the task's side; by default one that the mount helper chooses."""

    authorization_config: EfsAuthorization | None = None
    """Access point and IAM; by default anyone who can reach the file system may mount it."""


class HostVolume(Model):
    """A folder of the container instance."""

    source_path: HostPath
    """The folder, as /mnt/data. launchType EC2 only; the operator's settings must admit it."""


class DockerVolume(Model):
    """A volume of the instance's Docker."""

    def __hash__(self) -> int:
        return hash((self.scope, self.autoprovision, self.driver, tuple(self.driver_opts.items())))

    scope: Literal["task", "shared"] = "task"
    """Whether it goes with the task, or stays on the instance for tasks that name it."""

    autoprovision: bool | None = None
    """Whether it is made where there is none; scope shared only."""

    driver: Annotated[str, Field(min_length=1, max_length=128)] = "local"
    """Docker's volume driver."""

    driver_opts: VolumeOptions = Field(default_factory=dict)
    """What the driver is told."""


def _is_of_one_kind(volume: "Volume") -> bool:
    kinds = (volume.host, volume.efs_volume_configuration, volume.docker_volume_configuration)
    return sum(kind is not None for kind in kinds) <= 1


class Volume(Model):
    """A volume; one that says nothing but its name is an empty folder that a task's containers share."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="[has(self.host), has(self.efsVolumeConfiguration), has(self.dockerVolumeConfiguration)]"
            ".filter(given, given).size() <= 1",
            holds=_is_of_one_kind,
            message="a volume is of one kind: keep one of host, efsVolumeConfiguration and dockerVolumeConfiguration",
        ),
    )

    name: VolumeName
    """What mountPoints call it by."""

    efs_volume_configuration: EfsVolume | None = None
    """A file system of Amazon EFS."""

    host: HostVolume | None = None
    """A folder of the container instance. launchType EC2 only."""

    docker_volume_configuration: DockerVolume | None = None
    """A volume of the instance's Docker. launchType EC2 only; the operator's settings must admit it."""


Volumes = Annotated[tuple[Volume, ...], Field(max_length=10, json_schema_extra=keyed_by("name"))]
