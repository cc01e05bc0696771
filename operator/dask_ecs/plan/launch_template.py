"""How an instance that is brought is set up: AMI, volume, and the user data that joins it to its ECS cluster."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from dask_ecs.plan import made, names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dask_ecs.plan.capacity import Group
    from dask_ecs.plan.target import Target

# ECS developer guide, "Retrieving Amazon ECS-optimized Linux AMI metadata". Auto Scaling resolves them for each launch.
_AMI = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/{}recommended/image_id"

# "Amazon ECS-optimized Linux AMIs": their root volume.
_ROOT_DEVICE = "/dev/xvda"


def data(target: Target, group: Group, *, instance_profile: str, security_groups: Sequence[str]) -> Mapping[str, Any]:
    """Return LaunchTemplateData (AWS: "RequestLaunchTemplateData")."""
    spec = target.cluster.spec
    capacity = spec.capacity
    assert capacity is not None
    volume = {"VolumeSize": capacity.filesystem_gib, "VolumeType": "gp3", "Encrypted": True}
    tags = target.made_tags
    found: dict[str, Any] = {
        "ImageId": capacity.ami or ami_parameter(spec.cpu_architecture, gpu=bool(group.size.gpus)),
        "IamInstanceProfile": {"Arn": instance_profile},
        "SecurityGroupIds": list(security_groups),
        "BlockDeviceMappings": [{"DeviceName": _ROOT_DEVICE, "Ebs": {**volume, "DeleteOnTermination": True}}],
        # One hop: what a container asks of the metadata service does not get there.
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"},
        "Monitoring": {"Enabled": capacity.monitoring},
        "UserData": base64.b64encode(user_data(target, group).encode()).decode(),
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in sorted(these.items())]}
            for kind, these in (("instance", tags), ("volume", {**capacity.volume_tags, **tags}))
        ],
    }
    if capacity.key_name:
        found["KeyName"] = capacity.key_name
    return found


def ami_parameter(cpu_architecture: str, *, gpu: bool) -> str:
    """Return what stands for the newest ECS-optimized AMI."""
    if gpu:
        return _AMI.format("gpu/")
    return _AMI.format("arm64/" if cpu_architecture == "ARM64" else "")


def user_data(target: Target, group: Group) -> str:
    """Return what the instance runs when it starts: it joins its cluster, then the user's part, in MIME parts.

    Tasks can not reach the instance's metadata, and so not its role (ECS developer guide, "Amazon ECS container agent
    configuration").
    """
    capacity = target.cluster.spec.capacity
    settings = {
        "ECS_CLUSTER": made.ecs_cluster_name(target),
        "ECS_ENABLE_SPOT_INSTANCE_DRAINING": "true",
        "ECS_AWSVPC_BLOCK_IMDS": "true",
        **({"ECS_ENABLE_GPU_SUPPORT": "true"} if group.size.gpus else {}),
    }
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    parts = [f"#!/bin/bash\ncat >> /etc/ecs/ecs.config <<'END'\n{lines}END\n"]
    if capacity and capacity.user_data:
        parts.append(capacity.user_data)
    # A hash of what is between them can not be in it.
    boundary = f"part-{names.short_hash(*parts, length=32)}"
    between = "".join(f"--{boundary}\nContent-Type: {_content_type(part)}\n\n{part}\n" for part in parts)
    return f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{boundary}"\n\n{between}--{boundary}--\n'


def _content_type(part: str) -> str:
    kind = "cloud-config" if part.startswith("#cloud-config") else "x-shellscript"
    return f'text/{kind}; charset="utf-8"'
