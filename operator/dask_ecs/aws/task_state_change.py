"""ECS's task state change events, as they come out of a queue (AWS: "Amazon ECS task state change events")."""

import dataclasses
import datetime
import json
from collections.abc import Mapping
from typing import Any

from dask_ecs.aws import tasks
from dask_ecs.plan.observed import Task

_TIMES = ("createdAt", "startedAt", "stoppedAt")

# What DescribeTasks calls a network interface, by what events call it.
_ATTACHMENT_TYPES = {"eni": "ElasticNetworkInterface"}


class NotATaskStateChangeError(Exception):
    """The message is not a task state change event."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskStateChange:
    """How a task was right after a change; of its health events say nothing."""

    ecs_cluster_arn: str
    task: Task


def parse(body: str) -> TaskStateChange | None:
    """Return what an event tells, None if it is about a task that is not ours in form.

    Raises:
        NotATaskStateChangeError: it is something else.

    """
    try:
        event = json.loads(body)
        if event["detail-type"] != "ECS Task State Change":
            raise NotATaskStateChangeError(f"a message is of another type: {event['detail-type']}")
        detail = event["detail"]
        found = tasks.parse([_described(detail)])
        return TaskStateChange(ecs_cluster_arn=detail["clusterArn"], task=found[0]) if found else None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise NotATaskStateChangeError(f"a message can not be read: {error!r} in {body[:200]!r}") from error


def _described(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detail as DescribeTasks would give it: times that are times, and its own names of attachments."""
    return {
        **detail,
        **{name: datetime.datetime.fromisoformat(detail[name]) for name in _TIMES if name in detail},
        "attachments": [
            {**each, "type": _ATTACHMENT_TYPES.get(each.get("type"), each.get("type"))}
            for each in detail.get("attachments", ())
        ],
    }
