"""CloudWatch Logs: the group, and the last words of a task."""

import contextlib
import datetime
from collections.abc import Mapping
from typing import Any

from dask_ecs.aws import operations
from dask_ecs.aws.errors import AwsError, Kind
from dask_ecs.aws.mended import Tell, nobody
from dask_ecs.aws.session import Aws
from dask_ecs.aws.tags import carries
from dask_ecs.plan.roles import partition

# By how much AWS's clock and this machine's may differ; more, and AWS refuses every signature after five minutes.
_CLOCKS_DIFFER = datetime.timedelta(minutes=1)


async def ensure_group(
    aws: Aws, *, name: str, retention_days: int, tags: Mapping[str, str], tell: Tell = nobody
) -> str:
    """Create the log group with its retention; one that is there is left as it is, for others may use it.

    If it can not be given its retention it is taken away again: else it would be found without, and left so.
    """
    began = datetime.datetime.now(datetime.UTC)
    try:
        await aws.call(operations.CREATE_LOG_GROUP, logGroupName=name, tags=dict(tags))
    except AwsError as error:
        there = error.kind is Kind.CONFLICT
        # Or it was made by this call's first sending, whose answer was lost.
        if not (there and error.sent_again and await _is_made_since(aws, name, began)):
            if there or (error.reason == "AccessDenied" and await _find(aws, name)):
                return name
            raise
    try:
        await aws.call(operations.PUT_RETENTION_POLICY, logGroupName=name, retentionInDays=retention_days)
    except AwsError:
        with contextlib.suppress(AwsError):
            await aws.call(operations.DELETE_LOG_GROUP, logGroupName=name)
        raise
    tell(f"Log group {name} was gone; tasks that ran then log nothing until they are replaced. It is made again.")
    return name


async def _is_made_since(aws: Aws, name: str, moment: datetime.datetime) -> bool:
    group = await _find(aws, name)
    made_at = datetime.datetime.fromtimestamp(group["creationTime"] / 1000, datetime.UTC) if group else None
    return made_at is not None and made_at > moment - _CLOCKS_DIFFER


async def _find(aws: Aws, name: str) -> Mapping[str, Any] | None:
    """Return the log group, None if it is not there; whoever gives one need not let the operator make any."""
    groups = aws.pages(operations.DESCRIBE_LOG_GROUPS, "logGroups", logGroupNamePrefix=name)
    return next(iter([group async for group in groups if group["logGroupName"] == name]), None)


async def delete_group(aws: Aws, *, name: str, account_id: str, tags: Mapping[str, str]) -> None:
    """Delete the log group of this name, if it is there and carries these tags, which only its maker gives it."""
    arn = f"arn:{partition(aws.region)}:logs:{aws.region}:{account_id}:log-group:{name}"
    try:
        found = await aws.call(operations.LIST_LOG_GROUP_TAGS, resourceArn=arn)
        if carries(found["tags"], tags):
            await aws.call(operations.DELETE_LOG_GROUP, logGroupName=name)
    except AwsError as error:
        if error.kind is not Kind.GONE:
            raise


async def tail(aws: Aws, *, group: str, stream: str, lines: int, width: int = 200) -> tuple[str, ...]:
    """Return the last lines of a log stream, each cut to `width` characters; none if there is no stream."""
    try:
        answer = await aws.call(
            operations.GET_LOG_EVENTS, logGroupName=group, logStreamName=stream, limit=lines, startFromHead=False
        )
    except AwsError:
        return ()  # the message is better for it, but stands without
    return tuple(event["message"].strip()[:width] for event in answer["events"] if event["message"].strip())
