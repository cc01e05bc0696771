"""Secrets that are made in AWS Secrets Manager: texts that are the operator's and its tasks'."""

import hashlib
from collections.abc import Mapping

from dask_ecs.aws import operations, ownership
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.session import Aws
from dask_ecs.aws.tags import upper_tags


async def create(aws: Aws, *, name: str, text: str, tags: Mapping[str, str]) -> str | None:
    """Create a secret and return its ARN; None if there is another one of that name."""
    try:
        made = await aws.call(
            operations.CREATE_SECRET,
            Name=name,
            Description="TLS of Dask clusters, made by dask-ecs-operator",
            SecretString=text,
            ClientRequestToken=_token(text),
            Tags=upper_tags(tags),
        )
    except AwsError as error:
        if error.code == "ResourceExistsException":
            return None
        raise
    return str(made["ARN"])


async def read(aws: Aws, *, name: str) -> tuple[str, str] | None:
    """Return a secret's ARN and text; None if there is none."""
    try:
        found = await aws.call(operations.GET_SECRET_VALUE, SecretId=name)
    except AwsError as error:
        if error.kind is Kind.GONE:
            return None
        raise
    return str(found["ARN"]), str(found.get("SecretString", ""))


async def replace(aws: Aws, *, name: str, text: str) -> None:
    """Have this text in place of the one that was; the former one is kept beside it as AWSPREVIOUS."""
    await aws.call(operations.PUT_SECRET_VALUE, SecretId=name, SecretString=text, ClientRequestToken=_token(text))


async def check_ours(aws: Aws, *, name: str, own_tags: Mapping[str, str]) -> None:
    """Check that a secret was made for these clusters.

    Raises:
        NotOursError: it was not.

    """
    described = await aws.call(operations.DESCRIBE_SECRET, SecretId=name)
    ownership.check(described, own_tags, what=f"Secret {name}", operation=operations.CREATE_SECRET)


async def delete(aws: Aws, *, name: str, own_tags: Mapping[str, str]) -> None:
    """Delete the secret of this name for good, if it is there: its name can soon be used again.

    Raises:
        NotOursError: it does not carry our tags.

    """
    try:
        await check_ours(aws, name=name, own_tags=own_tags)
        await aws.call(operations.DELETE_SECRET, SecretId=name, ForceDeleteWithoutRecovery=True)
    except AwsError as error:
        if error.kind is not Kind.GONE:
            raise


def _token(text: str) -> str:
    """Return what is the same for the same text: the call may be repeated (32 to 64 characters)."""
    return hashlib.sha256(text.encode()).hexdigest()
