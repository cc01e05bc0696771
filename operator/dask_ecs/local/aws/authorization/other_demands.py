"""What the operations of the smaller services demand: Logs, SQS, Secrets Manager, Systems Manager, Auto Scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.autoscaling.models import autoscaling_backends
from moto.logs.models import logs_backends
from moto.secretsmanager.models import secretsmanager_backends

from .demand import Demand, carried, members, requested, upper_tags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .demand import Request


def logs(request: Request) -> Iterator[Demand]:
    """Yield Logs' demands: a group's ARN ends with its streams', but where tags are set (LogGroup, API reference)."""
    group = request["logGroupName"]
    if not group:
        yield Demand(request.action, request["resourceArn"] or "*")
        return
    arn = request.arn("logs", f"log-group:{group}")
    tags = requested(request["tags"] or {})
    backend = logs_backends[request.account][request.call.region]
    found = backend.groups.get(group)
    context = {**tags, **carried(backend.list_tags_for_resource(found.arn) if found else {})}
    yield Demand(request.action, f"{arn}:log-stream:{request['logStreamName'] or ''}", context)
    if tags:
        yield Demand("logs:TagResource", arn, tags)


def sqs(request: Request) -> Iterator[Demand]:
    """Yield SQS' demands: a queue is named by its URL; what is done by the batch is allowed as what is done singly."""
    name = request["QueueName"] or str(request["QueueUrl"] or "*").rpartition("/")[2]
    yield Demand(request.action.removesuffix("Batch"), request.arn("sqs", name), requested(request["tags"] or {}))


def secretsmanager(request: Request) -> Iterator[Demand]:
    """Yield Secrets Manager's demands; call it where moto's state may be read.

    A secret's ARN ends with six characters of AWS's own.
    """
    name = request["SecretId"] or request["Name"]
    if not name:
        yield Demand(request.action)
        return
    arn = name if name.startswith("arn:") else request.arn("secretsmanager", f"secret:{name}-??????")
    tags = requested(upper_tags(request["Tags"] or []))
    found = secretsmanager_backends[request.account][request.call.region].secrets.get(name)
    there = carried(upper_tags(found.tags or []), "secretsmanager") if found else {}
    named = {"secretsmanager:Name": name} if request["Name"] else {}
    yield Demand(request.action, arn, {**tags, **there, **named})
    if tags and request.call.operation == "CreateSecret":
        yield Demand("secretsmanager:TagResource", arn, tags)


def ssm(request: Request) -> Iterator[Demand]:
    """Yield Systems Manager's demands; AWS's own public parameters have no account."""
    names = request["Names"] or [request["Name"] or request["Path"] or "*"]
    for name in names:
        arn = request.arn("ssm", f"parameter/{name.removeprefix('/')}")
        public = name.startswith("/aws/service/")
        yield Demand(request.action, arn.replace(f":{request.account}:", "::") if public else arn)


def autoscaling(request: Request) -> Iterator[Demand]:
    """Yield Auto Scaling's demands; call it where moto's state may be read.

    A group's ARN holds a UUID that its maker does not know beforehand.
    """
    if request.call.operation.startswith("Describe"):
        yield Demand(request.action)
        return
    tags = members(request.call.parameters, "Tags")
    name = request["AutoScalingGroupName"] or next((tag["ResourceId"] for tag in tags if "ResourceId" in tag), "*")
    arn = request.arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{name}")
    context = requested(upper_tags(tags))
    group = autoscaling_backends[request.account][request.call.region].autoscaling_groups.get(name)
    there = upper_tags(group.tags) if group else {}
    yield Demand(request.action, arn, {**context, **carried(there, "autoscaling")})
    if context and request.call.operation == "CreateAutoScalingGroup":
        yield Demand("autoscaling:CreateOrUpdateTags", arn, context)
