"""The rule and the queue of ECS's events, as setup makes them and as the template says."""

import json
import uuid
from typing import Any

import botocore.session
import pytest

from dask_ecs.aws import events as aws_events
from dask_ecs.aws.errors import AwsError, NotOursError
from dask_ecs.aws.events import Events
from dask_ecs.aws.events_template import template
from dask_ecs.aws.operations import Operation
from dask_ecs.aws.session import Aws, Sessions
from dask_ecs.local.aws.handle import LocalAWS

LIST_TARGETS = Operation("events", "ListTargetsByRule", ())


@pytest.fixture
def events() -> Events:
    return Events(install=uuid.uuid4().hex[:8])


async def attributes(aws: Aws, url: str) -> dict[str, Any]:
    answer = await aws.call(aws_events.GET_QUEUE_ATTRIBUTES, QueueUrl=url, AttributeNames=["All"])
    found: dict[str, Any] = answer["Attributes"]
    return found


@pytest.mark.parametrize("operation", aws_events.OPERATIONS, ids=str)
def test_every_operation_of_setup_is_one_of_awss(operation: Operation) -> None:
    model = botocore.session.get_session().get_service_model(operation.service)
    assert operation.name in model.operation_names


async def test_setup_twice_makes_one_queue_and_one_rule(aws: Aws, events: Events) -> None:
    made = await aws_events.setup(aws, events)
    assert await aws_events.setup(aws, events) == made
    assert made.queue_url.endswith(f"/dask-ecs-{events.install}-events")
    targets = (await aws.call(LIST_TARGETS, Rule=events.name))["Targets"]
    assert targets == [{"Id": "queue", "Arn": made.queue_arn}]


async def test_setup_mends_a_queue_that_was_changed(aws: Aws, events: Events) -> None:
    made = await aws_events.setup(aws, events)
    before = await attributes(aws, made.queue_url)
    changed = {"Policy": "", "VisibilityTimeout": "5"}
    await aws.call(aws_events.SET_QUEUE_ATTRIBUTES, QueueUrl=made.queue_url, Attributes=changed)
    assert await attributes(aws, made.queue_url) != before
    await aws_events.setup(aws, events)
    after = await attributes(aws, made.queue_url)
    assert {**after, "LastModifiedTimestamp": ""} == {**before, "LastModifiedTimestamp": ""}


async def test_setup_goes_on_where_it_broke_off(aws: Aws, events: Events, local_aws: LocalAWS) -> None:
    local_aws.fault("events:PutTargets", code="InternalException", status=400, count=1)
    with pytest.raises(AwsError):
        await aws_events.setup(aws, events)
    made = await aws_events.setup(aws, events)
    assert (await aws.call(LIST_TARGETS, Rule=events.name))["Targets"][0]["Arn"] == made.queue_arn


async def test_teardown_leaves_nothing_and_finds_nothing_then(aws: Aws, events: Events) -> None:
    made = await aws_events.setup(aws, events)
    assert await aws_events.teardown(aws, events) == [
        f"EventBridge rule {events.name}",
        f"SQS queue {made.queue_url}",
    ]
    assert await aws_events.teardown(aws, events) == []


async def test_a_queue_of_somebody_else_is_left_alone(aws: Aws, events: Events) -> None:
    await aws.call(aws_events.CREATE_QUEUE, QueueName=events.name)
    for attempt in (aws_events.setup, aws_events.teardown):
        with pytest.raises(NotOursError, match=f"SQS queue {events.name} exists"):
            await attempt(aws, events)


async def test_a_rule_of_somebody_else_is_left_alone(aws: Aws, events: Events) -> None:
    await aws.call(aws_events.PUT_RULE, Name=events.name, EventPattern=json.dumps({"source": ["mine"]}))
    for attempt in (aws_events.setup, aws_events.teardown):
        with pytest.raises(NotOursError, match=f"EventBridge rule {events.name} exists"):
            await attempt(aws, events)


async def test_the_template_says_what_setup_makes(aws: Aws, events: Events) -> None:
    made = await aws_events.setup(aws, events)
    resources = resolved(template(events), made)["Resources"]
    queue, policy, rule = (resources[name]["Properties"] for name in ("Queue", "QueuePolicy", "Rule"))

    actual = await attributes(aws, made.queue_url)
    assert made.queue_url.endswith(f"/{queue.pop('QueueName')}")
    assert tagged(queue) == (await aws.call(aws_events.LIST_QUEUE_TAGS, QueueUrl=made.queue_url))["Tags"]
    assert {name: str(value).lower() for name, value in queue.items()} == {name: actual[name] for name in queue}
    assert policy["PolicyDocument"] == json.loads(actual["Policy"])

    described = await aws.call(aws_events.DESCRIBE_RULE, Name=rule.pop("Name"))
    assert (await aws.call(LIST_TARGETS, Rule=events.name))["Targets"] == rule.pop("Targets")
    tags = (await aws.call(aws_events.LIST_RULE_TAGS, ResourceARN=made.rule_arn))["Tags"]
    assert tagged(rule) == {tag["Key"]: tag["Value"] for tag in tags}
    assert rule == {**{name: described[name] for name in rule}, "EventPattern": json.loads(described["EventPattern"])}


def resolved(value: Any, made: aws_events.Made) -> Any:
    """Return a template with the functions in it replaced by what they stand for."""
    if value == {"Fn::GetAtt": ["Queue", "Arn"]}:
        return made.queue_arn
    if value == {"Fn::GetAtt": ["Rule", "Arn"]}:
        return made.rule_arn
    if value == {"Ref": "Queue"}:
        return made.queue_url
    if isinstance(value, dict):
        assert not [name for name in value if name.startswith(("Fn::", "Ref"))]
        return {name: resolved(each, made) for name, each in value.items()}
    return [resolved(each, made) for each in value] if isinstance(value, list) else value


def tagged(properties: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.pop("Tags")}


@pytest.mark.parametrize(
    ("install", "prefix"), [("blue", "dask/blue/"), ("", "dask/")], ids=["of one install", "of any install"]
)
def test_the_rule_picks_the_tasks(install: str, prefix: str) -> None:
    assert Events(install=install).pattern["detail"]["startedBy"] == [{"prefix": prefix}]


@pytest.mark.parametrize("install", ["", "blue", "x" * 48, "x" * 49, "x" * 100, "a_b", "a/b"])
def test_names_are_within_what_queues_and_rules_may_have(install: str) -> None:
    name = Events(install=install).name
    assert len(name) <= 64
    assert name.replace("-", "").isalnum()


def test_installs_that_read_alike_have_names_of_their_own() -> None:
    installs = ["a-b", "a_b", "a/b", "x" * 60, "x" * 61]
    assert len({Events(install=install).name for install in installs}) == len(installs)


async def test_a_sessions_sqs_client_outwaits_a_long_poll(sessions: Sessions) -> None:
    client = await sessions.client("sqs", "eu-west-1")
    assert client.meta.config.read_timeout > 20
