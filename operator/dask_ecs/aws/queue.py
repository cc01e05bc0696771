"""An SQS queue: messages received and deleted."""

import dataclasses
import logging
from collections.abc import Sequence

from dask_ecs.aws import operations
from dask_ecs.aws.session import LONGEST_WAIT, Aws

logger = logging.getLogger(__name__)

# AWS: "ReceiveMessage" and "DeleteMessageBatch": up to 10 messages a call.
MOST_MESSAGES = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class Message:
    """What was received, hidden from others for the queue's visibility timeout, and what deletes it."""

    body: str
    receipt_handle: str


async def receive(aws: Aws, queue_url: str, *, wait: int = LONGEST_WAIT) -> list[Message]:
    """Return up to ten messages; where there are none, wait for the first of them for `wait` seconds.

    Raises:
        AwsError: nothing was received.

    """
    answer = await aws.call(
        operations.RECEIVE_MESSAGE, QueueUrl=queue_url, MaxNumberOfMessages=MOST_MESSAGES, WaitTimeSeconds=wait
    )
    return [
        Message(body=message["Body"], receipt_handle=message["ReceiptHandle"]) for message in answer.get("Messages", ())
    ]


async def delete(aws: Aws, queue_url: str, messages: Sequence[Message]) -> None:
    """Delete up to ten messages; those that SQS does not delete will be received again.

    Raises:
        AwsError: none was deleted, as far as is known.

    """
    entries = [{"Id": str(number), "ReceiptHandle": message.receipt_handle} for number, message in enumerate(messages)]
    answer = await aws.call(operations.DELETE_MESSAGES, QueueUrl=queue_url, Entries=entries)
    for failure in answer.get("Failed", ()):
        logger.warning("SQS did not delete a message: %s (%s)", failure.get("Message"), failure["Code"])
