"""Launch templates: how instances are set up; each edit is a new version."""

from collections.abc import Mapping
from typing import Any

from dask_ecs.aws import operations, ownership
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.aws.tags import upper_tags
from dask_ecs.plan import names
from dask_ecs.plan.capacity_actions import EnsureLaunchTemplate


async def ensure(aws: Aws, wanted: EnsureLaunchTemplate, *, own_tags: Mapping[str, str], tell: Tell = nobody) -> str:
    """Create the launch template, or a version that holds this, and return the version's number.

    The version's description is a hash of what it holds, by which it is found again.

    Raises:
        NotOursError: there is a template of that name that is somebody else's.

    """
    content = names.short_hash(repr(wanted.data), length=32)
    found = await _get(aws, wanted.name)
    if found is None:
        made = await aws.call(
            operations.CREATE_LAUNCH_TEMPLATE,
            LaunchTemplateName=wanted.name,
            VersionDescription=content,
            LaunchTemplateData=wanted.data,
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": upper_tags(wanted.tags)}],
        )
        tell(f"Launch template {wanted.name} was gone; it is made again.")
        return str(made["LaunchTemplate"]["LatestVersionNumber"])
    ownership.check(found, own_tags, what=f"Launch template {wanted.name}", operation=operations.CREATE_LAUNCH_TEMPLATE)
    answer = await aws.call(
        operations.DESCRIBE_LAUNCH_TEMPLATE_VERSIONS, LaunchTemplateName=wanted.name, Versions=["$Latest"]
    )
    latest = answer["LaunchTemplateVersions"][0]
    if latest.get("VersionDescription") == content:
        return str(latest["VersionNumber"])
    made = await aws.call(
        operations.CREATE_LAUNCH_TEMPLATE_VERSION,
        LaunchTemplateName=wanted.name,
        VersionDescription=content,
        LaunchTemplateData=wanted.data,
    )
    tell(f"Launch template {wanted.name} was changed; its newest version is as it was.")
    return str(made["LaunchTemplateVersion"]["VersionNumber"])


async def delete(aws: Aws, *, name: str, own_tags: Mapping[str, str]) -> None:
    """Delete the launch template of this name with all its versions, if it is there.

    Raises:
        NotOursError: it does not carry our tags.

    """
    found = await _get(aws, name)
    if found is None:
        return
    ownership.check(found, own_tags, what=f"Launch template {name}", operation=operations.DELETE_LAUNCH_TEMPLATE)
    await aws.call(operations.DELETE_LAUNCH_TEMPLATE, LaunchTemplateName=name)


async def _get(aws: Aws, name: str) -> dict[str, Any] | None:
    try:
        answer = await aws.call(operations.DESCRIBE_LAUNCH_TEMPLATES, LaunchTemplateNames=[name])
    except AwsError as error:
        if error.kind is Kind.GONE:
            return None
        raise
    return next(iter(answer["LaunchTemplates"]), None)
