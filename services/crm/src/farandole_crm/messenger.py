"""Messenger: what this service asks of a CRM, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Template(StrEnum):
    """What a customer can be told of an order."""

    PLACED = "order-placed"
    BACKORDERED = "order-backordered"
    DISPATCHED = "order-dispatched"
    COMPLETED = "order-completed"
    CANCELLED = "order-cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    """One message to one customer about one order; ``parameters`` fill the template."""

    customer_id: str
    order_id: str
    template: Template
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A notification as the CRM has sent it."""

    notification_id: str
    sent_at: datetime


class Messenger(Protocol):
    """A CRM's notifications. Sends once for each idempotency key, then repeats its answer.

    May raise farandole.outside.OutsideAwayError (ask again, with the same key), OutsideRefusedError (asking again
    cannot help) or `farandole.Retry`. Safe for concurrent use.
    """

    async def send(self, notification: Notification, *, idempotency_key: str) -> Sent:
        """Have a notification sent."""
        ...
