"""What the operator's owner decides for all clusters."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The operator's own settings, as its command line gives them.

    `install` keeps two operators in one AWS account apart: it is part of every name and of `startedBy`.
    The allow patterns are shell-style globs over ARNs, IDs or names; `allow_cidrs` are ranges of which any part is
    admitted. What would give whoever may write a DaskCluster what a role may do, or what a secret holds, is not
    admitted by default. Where tasks run, which file systems they mount, whom they let in, and which scheduler
    elsewhere workers join, is: there they gain no more than the network lets them.
    """

    install: str
    default_region: str
    default_image: str
    default_gpu_image: str = "rapidsai/rapidsai:latest"
    operator_cidrs: tuple[str, ...] = ()
    allow_roles: tuple[str, ...] = ()
    allow_task_role_policies: tuple[str, ...] = ()
    allow_secrets: tuple[str, ...] = ()
    allow_host_paths: tuple[str, ...] = ()
    allow_task_definitions: tuple[str, ...] = ()
    allow_instance_profiles: tuple[str, ...] = ()
    allow_user_data: bool = False
    allow_schedulers: tuple[str, ...] = ("*",)
    allow_networks: tuple[str, ...] = ("*",)
    allow_security_groups: tuple[str, ...] = ("*",)
    allow_ecs_clusters: tuple[str, ...] = ("*",)
    allow_log_groups: tuple[str, ...] = ("*",)
    allow_file_systems: tuple[str, ...] = ("*",)
    allow_cidrs: tuple[str, ...] = ("0.0.0.0/0",)
    permissions_boundary: str | None = None
    role_path: str = "/dask-ecs/"
