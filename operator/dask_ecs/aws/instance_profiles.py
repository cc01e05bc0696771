"""Instance profiles: by them EC2 instances have an IAM role."""

from collections.abc import Mapping
from typing import Any

from dask_ecs.aws import operations, ownership
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.aws.tags import upper_tags
from dask_ecs.plan.capacity_actions import EnsureInstanceProfile


async def ensure(aws: Aws, wanted: EnsureInstanceProfile, *, own_tags: Mapping[str, str], tell: Tell = nobody) -> str:
    """Create the instance profile, or find it, have exactly the wanted role in it, and return its ARN.

    Raises:
        NotOursError: there is one of that name that is somebody else's.

    """
    found = await _get(aws, wanted.name)
    if found is None:
        made = await aws.call(
            operations.CREATE_INSTANCE_PROFILE,
            InstanceProfileName=wanted.name,
            Path=wanted.path,
            Tags=upper_tags(wanted.tags),
        )
        found = made["InstanceProfile"]
        tell(f"Instance profile {wanted.name} was gone; it is made again.")
        tell = nobody
    else:
        ownership.check(
            found, own_tags, what=f"Instance profile {wanted.name}", operation=operations.CREATE_INSTANCE_PROFILE
        )
    roles = [role["RoleName"] for role in found.get("Roles", ())]
    if roles != [wanted.role]:
        await _empty(aws, wanted.name, roles)
        await aws.call(operations.ADD_ROLE_TO_INSTANCE_PROFILE, InstanceProfileName=wanted.name, RoleName=wanted.role)
        tell(f"Instance profile {wanted.name} held {', '.join(roles) or 'no role'}; it holds {wanted.role} again.")
    return str(found["Arn"])


async def delete(aws: Aws, *, name: str, own_tags: Mapping[str, str]) -> None:
    """Delete the instance profile of this name, if it is there.

    Raises:
        NotOursError: it does not carry our tags.

    """
    found = await _get(aws, name)
    if found is None:
        return
    ownership.check(found, own_tags, what=f"Instance profile {name}", operation=operations.DELETE_INSTANCE_PROFILE)
    await _empty(aws, name, [role["RoleName"] for role in found.get("Roles", ())])
    try:
        await aws.call(operations.DELETE_INSTANCE_PROFILE, InstanceProfileName=name)
    except AwsError as error:
        if error.kind is not Kind.GONE:
            raise


async def _empty(aws: Aws, name: str, roles: list[str]) -> None:
    for role in roles:
        try:
            await aws.call(operations.REMOVE_ROLE_FROM_INSTANCE_PROFILE, InstanceProfileName=name, RoleName=role)
        except AwsError as error:
            if error.kind is not Kind.GONE:
                raise


async def _get(aws: Aws, name: str) -> dict[str, Any] | None:
    try:
        answer = await aws.call(operations.GET_INSTANCE_PROFILE, InstanceProfileName=name)
    except AwsError as error:
        if error.kind is Kind.GONE:
            return None
        raise
    found: dict[str, Any] = answer["InstanceProfile"]
    return found
