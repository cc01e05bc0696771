"""ECS' task state change events, by EventBridge to SQS."""

from __future__ import annotations

import datetime
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from .account import unique

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dask_ecs.local.aws.handle import LocalAWS

    from .account import Account

PATTERN: dict[str, Any] = {"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"]}


class Subscription:
    """A rule with a queue as its target."""

    def __init__(self, account: Account, pattern: dict[str, Any], *, policy: Callable[[str, str], Any] | None) -> None:
        self.sqs, self.events = account.client("sqs"), account.client("events")
        self.rule = unique("rule")
        arn = self.events.put_rule(Name=self.rule, EventPattern=json.dumps(pattern))["RuleArn"]
        self.url = self.sqs.create_queue(QueueName=unique("events"))["QueueUrl"]
        asked = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        queue_arn = asked["Attributes"]["QueueArn"]
        if policy:
            document = {"Version": "2012-10-17", "Statement": policy(queue_arn, arn)}
            self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps(document)})
        self.events.put_targets(Rule=self.rule, Targets=[{"Id": "queue", "Arn": queue_arn}])

    def receive(self, wait: int = 0) -> list[dict[str, Any]]:
        """Return the next events, at most ten, and delete them."""
        answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        messages = answer.get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]

    def of(self, task_arn: str, *, until: str = "STOPPED") -> list[dict[str, Any]]:
        """Return a task's events until it has this status."""
        seen: list[dict[str, Any]] = []
        deadline = time.monotonic() + 20
        while all(event["detail"]["lastStatus"] != until for event in seen):
            assert time.monotonic() < deadline, [each["detail"]["lastStatus"] for each in seen]
            seen += [event for event in self.receive(wait=5) if event["detail"]["taskArn"] == task_arn]
        return seen

    def close(self) -> None:
        """Take rule and queue away."""
        self.events.remove_targets(Rule=self.rule, Ids=["queue"])
        self.events.delete_rule(Name=self.rule)
        self.sqs.delete_queue(QueueUrl=self.url)


def allow(queue: str, rule: str) -> list[dict[str, Any]]:
    return [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
    ]


@pytest.fixture
def subscribe(account: Account) -> Iterator[Callable[..., Subscription]]:
    """Makes subscriptions, and ends them with the test."""
    made: list[Subscription] = []

    def subscribe(
        pattern: dict[str, Any] | None = None, policy: Callable[[str, str], Any] | None = allow
    ) -> Subscription:
        made.append(Subscription(account, pattern or PATTERN, policy=policy))
        return made[-1]

    yield subscribe
    for subscription in made:
        subscription.close()


def test_every_change_of_a_task_is_an_event_with_a_version_of_its_own(
    account: Account, subscribe: Callable[..., Subscription]
) -> None:
    subscription = subscribe()
    cluster = account.cluster()
    arn = account.run(cluster, account.definition("sleep 60"))
    seen = subscription.of(arn, until="RUNNING")
    account.ecs.stop_task(cluster=cluster, task=arn, reason="enough")
    seen += subscription.of(arn)
    details = [event["detail"] for event in seen]
    states = [(detail["lastStatus"], detail["desiredStatus"]) for detail in details]
    assert states == [
        ("PROVISIONING", "RUNNING"),
        ("PENDING", "RUNNING"),
        ("RUNNING", "RUNNING"),
        ("RUNNING", "STOPPED"),
        ("STOPPING", "STOPPED"),
        ("STOPPING", "STOPPED"),  # the container has ended
        ("DEPROVISIONING", "STOPPED"),
        ("STOPPED", "STOPPED"),
    ]
    assert [detail["version"] for detail in details] == list(range(1, 9))
    assert details[-1]["version"] == account.describe(cluster, arn)["version"]


def test_a_programs_end_is_an_event_with_its_exit_code(
    account: Account, subscribe: Callable[..., Subscription]
) -> None:
    subscription = subscribe()
    arn = account.run(account.cluster(), account.definition("exit 7"))
    ends = [each["detail"] for each in subscription.of(arn) if "exitCode" in each["detail"]["containers"][0]]
    assert ends[0]["lastStatus"] == "RUNNING"
    assert ends[0]["containers"][0]["exitCode"] == 7
    assert ends[0]["containers"][0]["lastStatus"] == "STOPPED"
    assert ends[-1]["stopCode"] == "EssentialContainerExited"
    assert ends[-1]["stoppedReason"] == "Essential container in task exited"


def test_an_event_has_the_shape_that_ecs_documents(account: Account, subscribe: Callable[..., Subscription]) -> None:
    subscription = subscribe()
    cluster = account.cluster()
    overrides = {"containerOverrides": [{"name": "main", "environment": [{"name": "A", "value": "b"}]}]}
    definition = account.definition("exit 0")
    arn = account.run(cluster, definition, startedBy="dask/x/1", overrides=overrides, tags=[{"key": "k", "value": "v"}])
    event = subscription.of(arn)[-1]
    task = account.describe(cluster, arn)
    detail = event.pop("detail")
    assert datetime.datetime.fromisoformat(event.pop("time")).tzinfo
    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": "123456789012",
        "region": account.aws.region,
        "resources": [arn],
    }
    assert detail["clusterArn"] == task["clusterArn"]
    assert detail["taskDefinitionArn"] == definition
    assert detail["startedBy"] == "dask/x/1"
    assert detail["overrides"]["containerOverrides"] == overrides["containerOverrides"]
    for name in ("createdAt", "startedAt", "pullStartedAt", "stoppingAt", "stoppedAt"):
        assert abs(datetime.datetime.fromisoformat(detail[name]) - task[name]) < datetime.timedelta(seconds=0.01)
    updated, stopped = (datetime.datetime.fromisoformat(detail[name]) for name in ("updatedAt", "stoppedAt"))
    assert updated >= stopped
    assert "tags" not in detail
    assert "healthStatus" not in json.dumps(detail)


def test_the_address_is_in_the_event_once_the_interface_is_attached(
    account: Account, subscribe: Callable[..., Subscription]
) -> None:
    subscription = subscribe()
    cluster = account.cluster()
    arn = account.run(cluster, account.definition("exit 0"))
    attachments = [event["detail"]["attachments"][0] for event in subscription.of(arn)]
    assert [each["type"] for each in attachments] == ["eni"] * len(attachments)
    assert attachments[0]["status"] == "PRECREATED"
    assert [each["name"] for each in attachments[0]["details"]] == ["subnetId"]
    assert attachments[1]["status"] == "ATTACHED"
    details = {each["name"]: each["value"] for each in attachments[1]["details"]}
    assert details["privateIPv4Address"].startswith("127.77.")
    assert attachments[-1]["status"] == "DELETED"


def test_events_that_the_rules_pattern_leaves_out_are_not_sent(
    account: Account, subscribe: Callable[..., Subscription]
) -> None:
    pattern = {**PATTERN, "detail": {"startedBy": [{"prefix": "dask/blue/"}]}}
    subscription = subscribe(pattern)
    cluster, definition = account.cluster(), account.definition("exit 0")
    for other in ("dask/green/1", "", "dask/blue"):
        other_arn = account.run(cluster, definition, **({"startedBy": other} if other else {}))
        account.until(cluster, other_arn, "STOPPED")
    arn = account.run(cluster, definition, startedBy="dask/blue/1")
    account.until(cluster, arn, "STOPPED")
    time.sleep(0.2)
    received = [event for _ in range(10) for event in subscription.receive()]
    assert {event["detail"]["taskArn"] for event in received} == {arn}


@pytest.mark.parametrize(
    "policy",
    [
        None,
        lambda queue, rule: [{**allow(queue, rule)[0], "Principal": {"Service": "sns.amazonaws.com"}}],
        lambda queue, rule: [{**allow(queue, rule)[0], "Action": "sqs:ReceiveMessage"}],
        lambda queue, rule: allow(queue, f"{rule}-other"),
        lambda queue, rule: allow(f"{queue}-other", rule),
        lambda queue, rule: [*allow(queue, rule), {**allow(queue, rule)[0], "Effect": "Deny"}],
    ],
    ids=["none", "of another service", "for another action", "for another rule", "of another queue", "denial"],
)
def test_events_that_the_queues_policy_forbids_are_lost(
    account: Account, subscribe: Callable[..., Subscription], policy: Callable[[str, str], Any] | None
) -> None:
    forbidden, allowed = subscribe(policy=policy), subscribe()
    arn = account.run(account.cluster(), account.definition("exit 0"))
    allowed.of(arn)
    assert forbidden.receive() == []


def test_a_denial_of_unencrypted_calls_keeps_eventbridge_not_out(
    account: Account, subscribe: Callable[..., Subscription]
) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    subscription = subscribe(policy=lambda queue, rule: [*allow(queue, rule), {**deny, "Resource": queue}])
    assert subscription.of(account.run(account.cluster(), account.definition("exit 0")))


def test_a_disabled_rule_sends_nothing(account: Account, subscribe: Callable[..., Subscription]) -> None:
    disabled, enabled = subscribe(), subscribe()
    disabled.events.disable_rule(Name=disabled.rule)
    enabled.of(account.run(account.cluster(), account.definition("exit 0")))
    assert disabled.receive() == []


def test_delivery_takes_the_time_that_is_set(
    account: Account, subscribe: Callable[..., Subscription], delays: LocalAWS
) -> None:
    delays.delays(event_delivery=1.0, provisioning=0.0, pending=0.0, deprovisioning=0.0)
    subscription = subscribe()
    cluster = account.cluster()
    began = time.monotonic()
    arn = account.run(cluster, account.definition("exit 0"))
    assert subscription.receive() == []
    subscription.of(arn)
    assert time.monotonic() - began >= 1.0


def test_what_a_user_puts_on_the_bus_reaches_the_queue_too(
    account: Account, subscribe: Callable[..., Subscription]
) -> None:
    subscription = subscribe({"source": ["mine"]})
    subscription.events.put_events(Entries=[{"Source": "mine", "DetailType": "hello", "Detail": '{"a": 1}'}])
    assert [event["detail"] for event in subscription.receive(wait=5)] == [{"a": 1}]
