"""SQS: standard queues."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dask_ecs.local.aws.sqs.queue import Queue, QueueSettings

from .account import unique

if TYPE_CHECKING:
    from .account import Account


@pytest.fixture
def sqs(account: Account) -> Any:
    return account.client("sqs")


@pytest.fixture
def queue(sqs: Any) -> str:
    url: str = sqs.create_queue(QueueName=unique("queue"), Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    return url


def bodies(answer: dict[str, Any]) -> list[str]:
    return [message["Body"] for message in answer.get("Messages", [])]


def handles(answer: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
        for number, message in enumerate(answer["Messages"])
    ]


def test_a_batch_of_at_most_ten_is_received_and_deleted(sqs: Any, queue: str) -> None:
    for batch in range(2):
        entries = [{"Id": str(each), "MessageBody": f"{batch}-{each}"} for each in range(6)]
        assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 6
    first = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    assert len(bodies(first)) == 10
    assert len(bodies(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10))) == 2
    deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=handles(first))
    assert [each["Id"] for each in deleted["Successful"]] == [str(each) for each in range(10)]
    time.sleep(1.1)
    assert len(bodies(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10))) == 2


def test_a_long_poll_of_an_empty_queue_takes_its_time(sqs: Any, queue: str) -> None:
    began = time.monotonic()
    assert bodies(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)) == []
    assert 1 <= time.monotonic() - began < 15


def test_a_long_poll_returns_as_soon_as_something_is_sent(account: Account, sqs: Any, queue: str) -> None:
    began = time.monotonic()
    sender = threading.Timer(0.3, lambda: account.client("sqs").send_message(QueueUrl=queue, MessageBody="hello"))
    sender.start()
    assert bodies(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)) == ["hello"]
    assert 0.3 <= time.monotonic() - began < 15
    sender.join()


def test_the_queues_own_wait_holds_where_the_call_names_none(sqs: Any, queue: str) -> None:
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"ReceiveMessageWaitTimeSeconds": "1"})
    began = time.monotonic()
    sqs.receive_message(QueueUrl=queue)
    assert time.monotonic() - began >= 1


def test_other_services_answer_during_a_long_poll(account: Account, sqs: Any, queue: str) -> None:
    poll = threading.Thread(target=lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20))
    poll.start()
    began = time.monotonic()
    account.ec2.describe_vpcs()
    assert time.monotonic() - began < 15
    account.client("sqs").send_message(QueueUrl=queue, MessageBody="end")
    poll.join()


def test_what_is_not_deleted_comes_again_after_the_visibility_timeout(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    first = sqs.receive_message(QueueUrl=queue, AttributeNames=["All"])
    assert first["Messages"][0]["Attributes"]["ApproximateReceiveCount"] == "1"
    assert bodies(sqs.receive_message(QueueUrl=queue)) == []
    again = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, AttributeNames=["All"])
    assert again["Messages"][0]["Attributes"]["ApproximateReceiveCount"] == "2"
    assert again["Messages"][0]["MessageId"] == first["Messages"][0]["MessageId"]


def test_the_handle_of_an_earlier_receive_deletes_nothing(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    first = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"][0]
    second = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"][0]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"])
    third = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"][0]
    assert first["MessageId"] == second["MessageId"] == third["MessageId"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=third["ReceiptHandle"])
    assert bodies(sqs.receive_message(QueueUrl=queue)) == []


def test_a_hidden_message_can_be_shown_at_once(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    message = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=600)["Messages"][0]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(sqs.receive_message(QueueUrl=queue)) == ["hello"]


def test_the_attributes_count_the_messages(sqs: Any, queue: str) -> None:
    for _ in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody="hello")
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=900)
    sqs.receive_message(QueueUrl=queue, VisibilityTimeout=600)
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert [attributes[f"ApproximateNumberOfMessages{each}"] for each in ("", "NotVisible", "Delayed")] == [
        "2",
        "1",
        "1",
    ]
    sqs.purge_queue(QueueUrl=queue)
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert attributes == {"ApproximateNumberOfMessages": "0"}


def test_a_deleted_queue_is_gone_with_its_messages(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    sqs.delete_queue(QueueUrl=queue)
    with pytest.raises(ClientError) as raised:
        sqs.receive_message(QueueUrl=queue)
    assert raised.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    sqs.create_queue(QueueName=queue.rpartition("/")[2])
    assert bodies(sqs.receive_message(QueueUrl=queue)) == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"MaxNumberOfMessages": 11}, "InvalidParameterValue"),
        ({"WaitTimeSeconds": 21}, "InvalidParameterValue"),
        ({"VisibilityTimeout": 43_201}, "InvalidParameterValue"),
    ],
)
def test_what_is_out_of_range_is_refused(sqs: Any, queue: str, parameters: dict[str, int], code: str) -> None:
    with pytest.raises(ClientError) as raised:
        sqs.receive_message(QueueUrl=queue, **parameters)
    assert raised.value.response["Error"]["Code"] == code


def test_an_invented_receipt_handle_is_refused(sqs: Any, queue: str) -> None:
    with pytest.raises(ClientError) as raised:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="invented")
    assert raised.value.response["Error"]["Code"] == "ReceiptHandleIsInvalid"


async def test_fifty_thousand_messages_are_received_and_deleted_in_linear_time() -> None:
    settings = QueueSettings(arn="", policy=None, delay=0, receive_wait=0, retention=60, visibility=30)
    queue = Queue(settings, identity=None)
    for number in range(50_000):
        queue.send(str(number))
    began = time.monotonic()
    received = 0
    while batch := await queue.receive(10, visibility=30, wait=0, is_gone=lambda: False):
        received += len(batch)
        for message in batch:
            queue.delete(message.receipt_handle)
    assert received == 50_000
    assert time.monotonic() - began < 40


async def test_a_caller_that_is_gone_takes_nothing_along() -> None:
    settings = QueueSettings(arn="", policy=None, delay=0, receive_wait=0, retention=60, visibility=30)
    queue = Queue(settings, identity=None)
    gone = False
    poll = asyncio.create_task(queue.receive(10, visibility=30, wait=10, is_gone=lambda: gone))
    await asyncio.sleep(0)
    gone = True
    queue.send("hello")
    assert await poll == []
    assert len(await queue.receive(10, visibility=30, wait=0, is_gone=lambda: False)) == 1
