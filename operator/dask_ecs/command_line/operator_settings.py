"""What a platform team sets for all clusters, as options of every command that reads specs as the operator does."""

import importlib.metadata
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from dask_ecs.command_line.address_range import ADDRESS_RANGE
from dask_ecs.plan.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

_CIDR = "CIDR"

_REPEATED = {
    "operator_cidrs": ("--operator-cidr", _CIDR, "From where the operator reaches schedulers."),
    "allow_roles": ("--allow-role", "PATTERN", "Role ARNs that specs may name, as a glob; may be repeated."),
    "allow_task_role_policies": ("--allow-task-role-policy", "PATTERN", "The same for policies."),
    "allow_secrets": (
        "--allow-secret",
        "PATTERN",
        "The same for secrets of Secrets Manager and Parameter Store.",
    ),
    "allow_host_paths": (
        "--allow-host-path",
        "PATTERN",
        "The same for folders of container instances that volumes may be; docker:DRIVER:NAME for Docker's volumes.",
    ),
    "allow_task_definitions": (
        "--allow-task-definition",
        "PATTERN",
        "The same for task definitions, which name roles.",
    ),
    "allow_instance_profiles": ("--allow-instance-profile", "PATTERN", "The same for instance profiles."),
    "allow_schedulers": (
        "--allow-scheduler",
        "PATTERN",
        "The same for addresses of schedulers that run elsewhere, as 'tcp://10.20.*'. Default: any.",
    ),
    "allow_networks": ("--allow-network", "PATTERN", "The same for the IDs of VPCs and subnets. Default: any."),
    "allow_security_groups": (
        "--allow-security-group",
        "PATTERN",
        "The same for the IDs of security groups. Default: any.",
    ),
    "allow_ecs_clusters": ("--allow-ecs-cluster", "PATTERN", "The same for the ARNs of ECS clusters. Default: any."),
    "allow_log_groups": (
        "--allow-log-group",
        "PATTERN",
        "The same for the names of log groups, dask-ecs where a spec names none. Default: any.",
    ),
    "allow_file_systems": (
        "--allow-file-system",
        "PATTERN",
        "The same for the IDs of EFS file systems. Default: any.",
    ),
    "allow_cidrs": (
        "--allow-cidr",
        _CIDR,
        "From where specs may admit clients: a range, of which any part may be named; may be repeated. Default: any.",
    ),
}


_OTHERS = (
    click.option("--permissions-boundary", metavar="ARN", help="Of every role that is made."),
    click.option(
        "--allow-user-data", is_flag=True, help="Admit userData, ami and keyName of instances that specs have brought."
    ),
    click.option("--default-gpu-image", default=Settings.default_gpu_image, show_default=True),
    click.option(
        "--default-image", help="Image of clusters that name none. Default: Dask's, of this operator's version."
    ),
)


def options(command: Command) -> Command:
    """Have a command take these options, each by the name of its setting."""
    for setting, (option, metavar, text) in reversed(_REPEATED.items()):
        default = getattr(Settings, setting)
        command = click.option(
            option,
            setting,
            multiple=True,
            type=ADDRESS_RANGE if metavar == _CIDR else None,
            default=default,
            metavar=metavar,
            help=text,
        )(command)
    for decorate in _OTHERS:
        command = decorate(command)
    return command


def of_options(given: Mapping[str, Any], *, install: str, default_region: str) -> Settings:
    """Return the settings that these options are."""
    image = given["default_image"] or f"ghcr.io/dask/dask:{importlib.metadata.version('dask')}"
    return Settings(**{**given, "default_image": image}, install=install, default_region=default_region)
