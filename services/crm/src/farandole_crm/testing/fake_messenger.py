"""FakeMessenger: a CRM in memory, with books to look into and faults to order."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from farandole.outside import OutsideAwayError, OutsideRefusedError

from farandole_crm.messenger import Notification, Sent

SENT: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
OUTAGE: Final = "outage"
"""The call fails and nothing was done."""
LOST_ANSWER: Final = "lost answer"
"""The call fails and the notification was sent."""


@dataclass(kw_only=True)
class FakeMessenger:
    """Sends as a CRM does. ``faults`` strike the next calls, one each; ``before`` is awaited at the start of each."""

    faults: deque[str] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    sent: dict[str, Notification] = field(default_factory=dict)
    before: Callable[[], Awaitable[None]] | None = None

    async def send(self, notification: Notification, *, idempotency_key: str) -> Sent:
        """See Messenger."""
        self.calls.append(idempotency_key)
        if self.before is not None:
            await self.before()
        fault = self.faults.popleft() if self.faults else None
        if fault == OUTAGE:
            raise _away()
        if self.sent.setdefault(idempotency_key, notification) != notification:
            raise OutsideRefusedError("the CRM refused", why="the key came before with another notification")
        if fault == LOST_ANSWER:
            raise _away()
        return Sent(notification_id=f"n:{idempotency_key}", sent_at=SENT)


def _away() -> OutsideAwayError:
    return OutsideAwayError("the CRM did not answer", why="a fault was ordered")
