"""The messages of one standard queue: sent, hidden while somebody works on them, deleted, or shown again."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import MessageNotInflight, ReceiptHandleIsInvalid

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """A queue's attributes that matter to its messages; times in seconds."""

    arn: str
    policy: str | None
    delay: int
    receive_wait: int
    retention: int
    visibility: int


@dataclass(slots=True)
class Message:
    """A message; it is visible from `visible_at` on, by the monotonic clock."""

    body: str
    visible_at: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sent_at: float = field(default_factory=time.time)
    first_received_at: float = 0.0
    receives: int = 0

    @property
    def receipt_handle(self) -> str:
        """Return what deletes it; each receive makes another."""
        return f"{self.id}.{self.receives}"


class Queue:
    """Gives messages out in the order in which they became visible; only ever used on the event loop.

    Every step takes about as long with a hundred thousand messages as with ten.
    """

    def __init__(self, settings: QueueSettings, *, identity: object) -> None:
        self.settings = settings
        self.identity = identity
        """Another when a queue was deleted and one of its name was made."""
        self._messages: dict[str, Message] = {}
        self._visible: deque[Message] = deque()
        self._hidden: list[tuple[float, str]] = []
        """A heap of times and messages; an entry counts only while it is still the message's own time."""
        self._arrival = asyncio.Event()

    def send(self, body: str, *, delay: float = 0.0) -> Message:
        """Take a message in, visible after `delay` seconds."""
        message = Message(body, visible_at=time.monotonic() + delay)
        self._messages[message.id] = message
        if delay:
            heapq.heappush(self._hidden, (message.visible_at, message.id))
        else:
            self._visible.append(message)
        self._arrival.set()
        return message

    async def receive(
        self, count: int, *, visibility: float, wait: float, is_gone: Callable[[], bool]
    ) -> list[Message]:
        """Return at most `count` messages; where there are none, wait for some for `wait` seconds.

        Nothing is given to a caller that is gone by then: it would be hidden from the next one.
        """
        deadline = time.monotonic() + wait
        while not is_gone():
            if messages := self._take(count, visibility):
                return messages
            left = deadline - time.monotonic()
            if left <= 0:
                break
            if self._hidden:
                left = min(left, max(self._hidden[0][0] - time.monotonic(), 0.001))
            self._arrival.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._arrival.wait()
        return []

    def delete(self, receipt_handle: str) -> None:
        """Delete what was received with this handle; a handle of an earlier receive deletes nothing."""
        message = self._received(receipt_handle)
        if message and message.receipt_handle == receipt_handle:
            del self._messages[message.id]

    def change_visibility(self, receipt_handle: str, seconds: float) -> None:
        """Hide what was received with this handle for so long from now."""
        message = self._received(receipt_handle)
        if not message or message.visible_at <= time.monotonic():
            raise MessageNotInflight
        self._hide(message, seconds)
        self._arrival.set()

    def purge(self) -> None:
        """Delete all messages."""
        self._messages.clear()
        self._visible.clear()
        self._hidden.clear()

    def counts(self) -> dict[str, int]:
        """Return the attributes that count messages."""
        now = time.monotonic()
        hidden = [message for message in self._messages.values() if message.visible_at > now]
        delayed = sum(not message.receives for message in hidden)
        return {
            "ApproximateNumberOfMessages": len(self._messages) - len(hidden),
            "ApproximateNumberOfMessagesDelayed": delayed,
            "ApproximateNumberOfMessagesNotVisible": len(hidden) - delayed,
        }

    def _take(self, count: int, visibility: float) -> list[Message]:
        now, oldest = time.monotonic(), time.time() - self.settings.retention
        while self._hidden and self._hidden[0][0] <= now:
            visible_at, message_id = heapq.heappop(self._hidden)
            shown = self._messages.get(message_id)
            if shown and shown.visible_at == visible_at:
                self._visible.append(shown)
        taken: list[Message] = []
        while self._visible and len(taken) < count:
            message = self._visible.popleft()
            if message.id not in self._messages:
                continue
            if message.sent_at < oldest:
                del self._messages[message.id]
                continue
            message.receives += 1
            message.first_received_at = message.first_received_at or time.time()
            self._hide(message, visibility)
            taken.append(message)
        return taken

    def _hide(self, message: Message, seconds: float) -> None:
        message.visible_at = time.monotonic() + seconds
        heapq.heappush(self._hidden, (message.visible_at, message.id))

    def _received(self, receipt_handle: str) -> Message | None:
        """Return the message that the handle is about, None when it is deleted."""
        message_id, _, receive = receipt_handle.partition(".")
        try:
            uuid.UUID(message_id)
            int(receive)
        except ValueError:
            raise ReceiptHandleIsInvalid(receipt_handle) from None
        return self._messages.get(message_id)
