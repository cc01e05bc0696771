"""What ECS tells EventBridge when a task has changed ("Amazon ECS task state change events", ECS guide)."""

from __future__ import annotations

import datetime
import uuid
from typing import TYPE_CHECKING, Any

from .task import now_to_the_millisecond

if TYPE_CHECKING:
    from .task import Task


def task_state_change(task: Task) -> dict[str, Any]:
    """Return the event that tells how the task is now.

    Its detail is nearly what DescribeTasks answers. But times are text, an elastic network interface is an `eni`, and
    there is neither health nor a tag in it.
    """
    now = now_to_the_millisecond()
    detail = task.describe(with_tags=False)
    del detail["healthStatus"]
    for container in detail["containers"]:
        del container["healthStatus"]
    for attachment in detail["attachments"]:
        attachment["type"] = "eni"
    detail |= {name: _iso(at) for name, at in task.times.items()}
    detail["updatedAt"] = _iso(now)
    _, _, _, region, account, _ = task.arn.split(":", 5)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": account,
        "time": _iso(int(now)),
        "region": region,
        "resources": [task.arn],
        "detail": detail,
    }


def _iso(at: float) -> str:
    """Return the time as AWS writes it: milliseconds where there are any, without their last zeros."""
    text = datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{text.rstrip('0').rstrip('.')}Z"
