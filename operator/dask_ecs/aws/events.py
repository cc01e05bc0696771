"""ECS's task state change events: the EventBridge rule that picks them and the SQS queue that it sends them to.

The operator itself never makes these: `dask-ecs events setup` does, or a CloudFormation stack (`events_template`).
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from dask_ecs.aws import tags
from dask_ecs.aws.errors import AwsError, Kind, NotOursError
from dask_ecs.aws.operations import Operation
from dask_ecs.aws.session import LONGEST_WAIT, Aws
from dask_ecs.plan import names

GET_QUEUE_URL = Operation("sqs", "GetQueueUrl", ("sqs:GetQueueUrl",))
GET_QUEUE_ATTRIBUTES = Operation("sqs", "GetQueueAttributes", ("sqs:GetQueueAttributes",))
LIST_QUEUE_TAGS = Operation("sqs", "ListQueueTags", ("sqs:ListQueueTags",))
CREATE_QUEUE = Operation("sqs", "CreateQueue", ("sqs:CreateQueue", "sqs:TagQueue"))
SET_QUEUE_ATTRIBUTES = Operation("sqs", "SetQueueAttributes", ("sqs:SetQueueAttributes",))
DELETE_QUEUE = Operation("sqs", "DeleteQueue", ("sqs:DeleteQueue",))
DESCRIBE_RULE = Operation("events", "DescribeRule", ("events:DescribeRule",))
LIST_RULE_TAGS = Operation("events", "ListTagsForResource", ("events:ListTagsForResource",))
PUT_RULE = Operation("events", "PutRule", ("events:PutRule", "events:TagResource"))
PUT_TARGETS = Operation("events", "PutTargets", ("events:PutTargets",))
REMOVE_TARGETS = Operation("events", "RemoveTargets", ("events:RemoveTargets",))
DELETE_RULE = Operation("events", "DeleteRule", ("events:DeleteRule",))

OPERATIONS = tuple(value for value in list(globals().values()) if isinstance(value, Operation))
"""What whoever runs `dask-ecs events` needs; not the operator."""

# AWS: "PutRule": 64 characters of letters, digits, . - _; queues may have 80.
_LONGEST_NAME = 64

# Seconds. After an hour ECS has forgotten a stopped task, so an event of it is of no more use.
_RETENTION = 3600
# Seconds for which a received event is hidden; handling a batch takes milliseconds.
_VISIBILITY = 30

TARGET_ID = "queue"
DESCRIPTION = "State changes of the ECS tasks of dask-ecs-operator"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Events:
    """What is to be made for an operator: for one install, or for any where `install` is empty."""

    install: str

    @property
    def name(self) -> str:
        """Return the name of queue and rule; what does not fit into one is told by a hash."""
        install = self.install or "default"
        readable = re.sub(r"[^A-Za-z0-9-]", "-", install)
        room = _LONGEST_NAME - len("dask-ecs--events")
        if readable != install or len(readable) > room:
            readable = f"{readable[: room - names.HASH_LENGTH - 1]}-{names.short_hash(install)}"
        return f"dask-ecs-{readable}-events"

    @property
    def pattern(self) -> dict[str, Any]:
        """Return which events the rule picks: those of the install's tasks, which `startedBy` tells, that are news.

        A task runs, begins to end, has ended; and a scheduler has its address. What is in between tells nobody
        anything: of the ten events or so in a task's life these are three or four.
        """
        return {
            "source": ["aws.ecs"],
            "detail-type": ["ECS Task State Change"],
            "detail": {
                "startedBy": [{"prefix": f"dask/{self.install}/" if self.install else "dask/"}],
                "$or": [
                    {"lastStatus": ["RUNNING", "DEPROVISIONING", "STOPPED"]},
                    {"lastStatus": ["PENDING"], "group": [{"wildcard": "family:*-scheduler-*"}]},
                ],
            },
        }

    @property
    def queue_attributes(self) -> dict[str, int | bool]:
        """Return the queue's attributes, in seconds; its content is encrypted with SQS's own key."""
        return {
            "MessageRetentionPeriod": _RETENTION,
            "ReceiveMessageWaitTimeSeconds": LONGEST_WAIT,
            "SqsManagedSseEnabled": True,
            "VisibilityTimeout": _VISIBILITY,
        }

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags of queue and rule; without them they are not ours."""
        return {"ecs.dask.org/events": self.install or "default"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Made:
    """What `setup` has made or found."""

    queue_url: str
    queue_arn: str
    rule_arn: str


def queue_policy(*, queue_arn: Any, rule_arn: Any) -> dict[str, Any]:
    """Return who may use the queue besides its account: EventBridge, for the rule; and nobody without TLS.

    The ARNs may be text or CloudFormation's functions.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Rule",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
            },
            {
                "Sid": "OnlyTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": queue_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


async def setup(aws: Aws, events: Events) -> Made:
    """Make queue and rule, or make those that are there as they should be.

    Raises:
        NotOursError: a queue or rule of that name is there and is somebody else's.
        AwsError: AWS refused; what was made until then stays, and the next call goes on from there.

    """
    queue_url = await _find_queue(aws, events)
    await _find_rule(aws, events)
    attributes = {name: str(value).lower() for name, value in events.queue_attributes.items()}
    if queue_url is None:
        created = await aws.call(CREATE_QUEUE, QueueName=events.name, Attributes=attributes, tags=events.tags)
        queue_url = str(created["QueueUrl"])
    rule = await aws.call(
        PUT_RULE,
        Name=events.name,
        Description=DESCRIPTION,
        EventPattern=json.dumps(events.pattern),
        State="ENABLED",
        Tags=tags.upper_tags(events.tags),
    )
    answer = await aws.call(GET_QUEUE_ATTRIBUTES, QueueUrl=queue_url, AttributeNames=["QueueArn"])
    made = Made(queue_url=queue_url, queue_arn=answer["Attributes"]["QueueArn"], rule_arn=rule["RuleArn"])
    policy = json.dumps(queue_policy(queue_arn=made.queue_arn, rule_arn=made.rule_arn))
    await aws.call(SET_QUEUE_ATTRIBUTES, QueueUrl=queue_url, Attributes={**attributes, "Policy": policy})
    put = await aws.call(PUT_TARGETS, Rule=events.name, Targets=[{"Id": TARGET_ID, "Arn": made.queue_arn}])
    for failure in put.get("FailedEntries", ()):
        raise AwsError(
            operation=str(PUT_TARGETS),
            code=failure["ErrorCode"],
            message=failure["ErrorMessage"],
            kind=Kind.NEEDS_USER,
        )
    return made


async def teardown(aws: Aws, events: Events) -> list[str]:
    """Remove rule and queue; return which of them were there, as a person calls them.

    Raises:
        NotOursError: a queue or rule of that name is there and is somebody else's.
        AwsError: AWS refused; what was removed until then is gone.

    """
    removed = []
    queue_url = await _find_queue(aws, events)
    if await _find_rule(aws, events):
        await aws.call(REMOVE_TARGETS, Rule=events.name, Ids=[TARGET_ID])
        await aws.call(DELETE_RULE, Name=events.name)
        removed.append(f"EventBridge rule {events.name}")
    if queue_url is not None:
        await aws.call(DELETE_QUEUE, QueueUrl=queue_url)
        removed.append(f"SQS queue {queue_url}")
    return removed


async def _find_queue(aws: Aws, events: Events) -> str | None:
    try:
        url = str((await aws.call(GET_QUEUE_URL, QueueName=events.name))["QueueUrl"])
        found = (await aws.call(LIST_QUEUE_TAGS, QueueUrl=url)).get("Tags", {})
    except AwsError as error:
        if error.code.endswith(("NonExistentQueue", "QueueDoesNotExist")):
            return None
        raise
    _check_ours(found, events, operation=CREATE_QUEUE, what=f"SQS queue {events.name}")
    return url


async def _find_rule(aws: Aws, events: Events) -> bool:
    try:
        arn = (await aws.call(DESCRIBE_RULE, Name=events.name))["Arn"]
        found = tags.from_upper((await aws.call(LIST_RULE_TAGS, ResourceARN=arn))["Tags"])
    except AwsError as error:
        if error.kind is Kind.GONE:
            return False
        raise
    _check_ours(found, events, operation=PUT_RULE, what=f"EventBridge rule {events.name}")
    return True


def _check_ours(found: Mapping[str, str], events: Events, *, operation: Operation, what: str) -> None:
    if not tags.carries(found, events.tags):
        raise NotOursError(
            operation=str(operation),
            code="NotOurs",
            message=f"{what} exists and does not carry the tag {' '.join(events.tags)} of this install; "
            "rename or delete it, or take another --install",
            kind=Kind.NEEDS_USER,
        )
