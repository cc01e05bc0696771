"""EventBridge between ECS and SQS: events of tasks, rules that match them, queues that they are sent to.

Rules and their targets are moto's; they are read after each call that can change them.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.events.models import events_backends

from .ecs.task_events import task_state_change
from .resource_policy import admits

if TYPE_CHECKING:
    from collections.abc import Callable

    from .delays import Delays
    from .ecs.task import Task
    from .moto_server import Moto
    from .sqs.service import Sqs

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Rule:
    arn: str
    matches: Callable[[dict[str, Any]], bool]
    queue_arns: tuple[str, ...]


class EventBridge:
    """The default event bus of every account and region, as far as ECS' events and SQS' queues go."""

    def __init__(self, *, moto: Moto, sqs: Sqs, delays: Delays) -> None:
        self._moto = moto
        self._sqs = sqs
        self._delays = delays
        self._rules: dict[tuple[str, str], list[_Rule]] = {}

    async def follow(self, account: str, region: str) -> None:
        """See which rules there are."""
        self._rules[account, region] = await self._moto.run(lambda: _read(events_backends[account][region]))

    def task_changed(self, task: Task) -> None:
        """Tell how the task is now, to the queues of the rules that match."""
        _, _, _, region, account, _ = task.arn.split(":", 5)
        rules = self._rules.get((account, region))
        if not rules:
            return
        event = task_state_change(task)
        matching = [rule for rule in rules if rule.matches(event)]
        if matching:
            asyncio.get_running_loop().call_later(
                self._delays.event_delivery, self._deliver, matching, json.dumps(event)
            )

    def _deliver(self, rules: list[_Rule], body: str) -> None:
        for rule in rules:
            for arn in rule.queue_arns:
                queue = self._sqs.queue(arn)
                context = {"aws:SourceArn": rule.arn, "aws:SecureTransport": "true"}
                if queue and admits(
                    queue.settings.policy,
                    service="events.amazonaws.com",
                    action="sqs:SendMessage",
                    resource=arn,
                    context={**context, "aws:SourceAccount": arn.split(":")[4]},
                ):
                    queue.send(body)
                else:
                    _log.info("%s may not send to %s: the event is lost", rule.arn, arn)


def _read(backend: Any) -> list[_Rule]:
    return [
        _Rule(
            arn=rule.arn,
            matches=rule.event_pattern.matches_event,
            queue_arns=tuple(target["Arn"] for target in rule.targets if target["Arn"].split(":")[2] == "sqs"),
        )
        for rule in backend.event_buses["default"].rules.values()
        if rule.state == "ENABLED" and rule.event_pattern.get_pattern()
    ]
