"""The roles that stand in what a spec names: in a task definition, in an instance profile. AWS alone knows them."""

from collections.abc import Iterable, Sequence

from dask_ecs.api.spec import DaskClusterSpec
from dask_ecs.aws import operations, task_definitions
from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.session import Aws, Sessions
from dask_ecs.command_line import own_credentials


def where(specs: Iterable[DaskClusterSpec]) -> list[str]:
    """Return the ARNs of the task definitions and instance profiles that specs name."""
    specs = list(specs)
    definitions = {arn for spec in specs for role in spec.roles if (arn := spec.role(role).task_definition_arn)}
    profiles = {arn for spec in specs if spec.capacity and (arn := spec.capacity.instance_profile_arn)}
    return sorted(definitions | profiles)


async def look(
    sessions: Sessions, specs: Iterable[DaskClusterSpec], *, region: str
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the ARNs of these roles, and for each thing that AWS does not tell of a line that says so.

    `region` is asked for what belongs to none.
    """
    found: list[str] = []
    untold: list[str] = []
    for arn in where(specs):
        try:
            aws = sessions.region(arn.split(":")[3] or region)
            found += await (_of_profile(aws, arn) if ":instance-profile/" in arn else _of_definition(aws, arn))
        except AwsError as error:
            untold.append(
                f"Which roles {arn} names AWS does not tell ({own_credentials.advice(error)}): "
                "that the operator may pass them was not looked at."
            )
    return sorted(set(found)), untold


async def _of_definition(aws: Aws, arn: str) -> list[str]:
    described = await task_definitions.describe(aws, arn=arn)
    return [role for field in ("executionRoleArn", "taskRoleArn") if (role := described.get(field))]


async def _of_profile(aws: Aws, arn: str) -> list[str]:
    answer = await aws.call(operations.GET_INSTANCE_PROFILE, InstanceProfileName=arn.rpartition("/")[2])
    return [role["Arn"] for role in answer["InstanceProfile"]["Roles"]]
