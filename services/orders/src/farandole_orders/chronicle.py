"""Chronicle: writes and reads the history of an order, one row an event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from farandole import Delivery, UnitOfWork

from farandole_orders.standing import Status
from farandole_orders.tables import history


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An event in the history of an order. ``cause`` is the event that it answers, ``note`` is for people."""

    order_id: str
    event_id: str
    event: str
    cause: str | None = None
    note: str | None = None
    status: Status
    occurred_at: datetime
    recorded_at: datetime


async def record(work: UnitOfWork, entry: Entry) -> None:
    """Write an entry, unless the event is in the order's history already."""
    row = {
        "order_id": entry.order_id,
        "event_id": entry.event_id,
        "event": entry.event,
        "cause": entry.cause,
        "note": entry.note,
        "status": entry.status,
        "occurred_at": entry.occurred_at,
        "recorded_at": entry.recorded_at,
    }
    await work.execute(work.insert(history).values(**row).on_conflict_do_nothing())


def when_it_occurred(delivery: Delivery) -> datetime:
    """Return when the event says that it occurred; where that cannot be read, when the broker took it."""
    try:
        told = datetime.fromisoformat(delivery.envelope.time)
    except ValueError:
        return delivery.record.appended
    if told.tzinfo is None or not 1900 <= told.year <= 2200:
        return delivery.record.appended
    return told.astimezone(UTC)
