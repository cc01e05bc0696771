"""SQS' operations on messages. Moto's own take seconds each once a queue has some ten thousand of them.

Queues, their attributes, policies and tags are moto's; what of them matters to messages is read after each such call.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from moto.sqs.models import sqs_backends

from .errors import (
    InvalidParameterValue,
    QueueDoesNotExist,
    SqsError,
    TooManyEntriesInBatchRequest,
    UnsupportedOperation,
)
from .queue import Queue, QueueSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..moto_server import Moto
    from .queue import Message

_LARGEST_BATCH: Final = 10
_LONGEST_WAIT: Final = 20
_LONGEST_VISIBILITY: Final = 43_200
"""Messages, and seconds twice: ReceiveMessage in the SQS API reference."""

MESSAGE_OPERATIONS: Final = frozenset(
    {
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "DeleteMessage",
        "DeleteMessageBatch",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
    }
)


class Sqs:
    """The messages of all queues of all accounts and regions."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto
        self._queues: dict[tuple[str, str], dict[str, Queue]] = {}

    async def follow(self, account: str, region: str) -> None:
        """See which queues there are, how they are set, and what moto itself has sent to them."""
        found = await self._moto.run(lambda: _read(sqs_backends[account][region]))
        known = self._queues.get((account, region), {})
        queues: dict[str, Queue] = {}
        for name, (identity, settings, sent) in found.items():
            queue = known.get(name)
            if queue is None or queue.identity != identity:
                queue = Queue(settings, identity=identity)
            queue.settings = settings
            for body in sent:
                queue.send(body)
            queues[name] = queue
        self._queues[account, region] = queues

    def queue(self, arn: str) -> Queue | None:
        """Return the queue with this ARN."""
        _, _, _, region, account, name = arn.split(":", 5)
        return self._queues.get((account, region), {}).get(name)

    def with_counts(self, answer: bytes, parameters: dict[str, Any], *, account: str, region: str) -> bytes:
        """Return moto's answer to GetQueueAttributes with the true numbers of messages."""
        answered: dict[str, Any] = json.loads(answer or b"{}")
        attributes: dict[str, str] = answered.get("Attributes", {})
        for name, count in self._named(parameters, account, region).counts().items():
            if name in attributes:
                attributes[name] = str(count)
        return json.dumps(answered).encode()

    async def answer(
        self,
        operation: str,
        parameters: dict[str, Any],
        *,
        account: str,
        region: str,
        is_gone: Callable[[], bool],
    ) -> dict[str, Any]:
        """Carry out one of MESSAGE_OPERATIONS; raise SqsError."""
        queue = self._named(parameters, account, region)
        match operation:
            case "ReceiveMessage":
                return await _receive(queue, parameters, is_gone)
            case "SendMessage":
                return _send(queue, parameters)
            case "DeleteMessage":
                queue.delete(parameters["ReceiptHandle"])
            case "ChangeMessageVisibility":
                _change_visibility(queue, parameters)
            case "PurgeQueue":
                queue.purge()
            case "SendMessageBatch":
                return _batch(parameters, lambda entry: _send(queue, entry))
            case "DeleteMessageBatch":
                return _batch(parameters, lambda entry: queue.delete(entry["ReceiptHandle"]))
            case "ChangeMessageVisibilityBatch":
                return _batch(parameters, lambda entry: _change_visibility(queue, entry))
        return {}

    def _named(self, parameters: dict[str, Any], account: str, region: str) -> Queue:
        name = str(parameters.get("QueueUrl") or "").rpartition("/")[2]
        queue = self._queues.get((account, region), {}).get(name)
        if queue is None:
            raise QueueDoesNotExist
        return queue


def _read(backend: Any) -> dict[str, tuple[object, QueueSettings, list[str]]]:
    """Return moto's queues by name, and take out the messages that moto has sent."""
    found = {}
    for name, queue in backend.queues.items():
        sent = [message.body for message in queue._messages]
        queue._messages.clear()
        settings = QueueSettings(
            arn=queue.queue_arn,
            policy=queue.policy,
            delay=queue.delay_seconds,
            receive_wait=queue.receive_message_wait_time_seconds,
            retention=queue.message_retention_period,
            visibility=queue.visibility_timeout,
        )
        found[name] = (queue, settings, sent)
    return found


async def _receive(queue: Queue, parameters: dict[str, Any], is_gone: Callable[[], bool]) -> dict[str, Any]:
    count = _within(parameters, "MaxNumberOfMessages", default=1, least=1, most=_LARGEST_BATCH)
    wait = _within(parameters, "WaitTimeSeconds", default=queue.settings.receive_wait, most=_LONGEST_WAIT)
    visibility = _within(parameters, "VisibilityTimeout", default=queue.settings.visibility, most=_LONGEST_VISIBILITY)
    messages = await queue.receive(count, visibility=visibility, wait=wait, is_gone=is_gone)
    wanted = {*parameters.get("AttributeNames", ()), *parameters.get("MessageSystemAttributeNames", ())}
    return {"Messages": [_describe(message, wanted) for message in messages]} if messages else {}


def _describe(message: Message, wanted: set[str]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": _md5(message.body),
        "Body": message.body,
    }
    attributes = {
        "ApproximateFirstReceiveTimestamp": str(int(message.first_received_at * 1000)),
        "ApproximateReceiveCount": str(message.receives),
        "SentTimestamp": str(int(message.sent_at * 1000)),
    }
    if chosen := {name: value for name, value in attributes.items() if {name, "All"} & wanted}:
        described["Attributes"] = chosen
    return described


def _send(queue: Queue, parameters: dict[str, Any]) -> dict[str, str]:
    if parameters.get("MessageAttributes"):
        raise UnsupportedOperation("The local AWS does not know message attributes.")
    delay = _within(parameters, "DelaySeconds", default=queue.settings.delay, most=900)
    message = queue.send(parameters["MessageBody"], delay=delay)
    return {"MessageId": message.id, "MD5OfMessageBody": _md5(message.body)}


def _change_visibility(queue: Queue, parameters: dict[str, Any]) -> None:
    seconds = _within(parameters, "VisibilityTimeout", default=queue.settings.visibility, most=_LONGEST_VISIBILITY)
    queue.change_visibility(parameters["ReceiptHandle"], seconds)


def _batch(parameters: dict[str, Any], do: Callable[[dict[str, Any]], dict[str, str] | None]) -> dict[str, Any]:
    entries = parameters["Entries"]
    if len(entries) > _LARGEST_BATCH:
        raise TooManyEntriesInBatchRequest(len(entries))
    done, failed = [], []
    for entry in entries:
        try:
            done.append({"Id": entry["Id"], **(do(entry) or {})})
        except SqsError as error:
            failed.append({"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": error.message})
    return {"Successful": done, "Failed": failed}


def _within(parameters: dict[str, Any], name: str, *, default: int, least: int = 0, most: int) -> int:
    value = parameters.get(name)
    number = default if value is None else int(value)
    if not least <= number <= most:
        raise InvalidParameterValue(
            f"Value {number} for parameter {name} is invalid. Reason: Must be >= {least} and <= {most}, if provided."
        )
    return number


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
