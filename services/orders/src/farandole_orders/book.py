"""OrderBook: moves orders by what is heard of them. It locks the order's row, so every decision sees the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from farandole import Clock, Delivery, Retry, UnitOfWork
from sqlalchemy import Row, select, update

from farandole_orders.chronicle import Entry, record, when_it_occurred
from farandole_orders.standing import Cancellation, Cause, News, Standing, Status, advance
from farandole_orders.tables import orders


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What news did to an order. ``ended`` is how it ended by this very news, and None otherwise."""

    order_id: str
    customer_id: str
    total_cents: int
    currency: str
    flow: str
    standing: Standing
    ended: Status | None
    note: str | None
    now: datetime


class OrderBook:
    """The orders, as their handlers move them. Holds no state of its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def hear(
        self, work: UnitOfWork, delivery: Delivery, order_id: str, news: News, *, note: str | None = None
    ) -> Heard:
        """Apply news to an order and put it into its history, in the handler's transaction.

        Raises:
            Retry: the order is not there. This service writes an order before it says a word of it, so its database
                was lost or put back; the event waits for it to be restored.
        """
        row = (await work.execute(work.for_update(select(orders).where(orders.c.order_id == order_id)))).first()
        if row is None:
            raise Retry(f"order {order_id} is not in the database, though other services know it: was it put back?")
        now = self._clock.now()
        before = standing_of(row)
        after = advance(before, news)
        if after != before:
            await self._move(work, row, after, note, now)
        await record(work, _entry(delivery, order_id, after, note, now))
        return Heard(
            order_id=order_id,
            customer_id=row.customer_id,
            total_cents=row.total_cents,
            currency=row.currency,
            flow=row.flow,
            standing=after,
            ended=after.status if after.status.is_terminal and not before.status.is_terminal else None,
            note=note,
            now=now,
        )

    async def _move(self, work: UnitOfWork, row: Row[Any], after: Standing, note: str | None, now: datetime) -> None:
        values = {**columns_of(after), "updated_at": now}
        if after.status.is_terminal and row.ended_at is None:
            values["ended_at"] = now
        if after.status is Status.CANCELLED and row.reason is None:
            values["reason"] = note
        await work.execute(update(orders).where(orders.c.seq == row.seq).values(**values))


def standing_of(row: Row[Any]) -> Standing:
    """Read where an order stands off its row."""
    return Standing(
        status=Status(row.status),
        delivered=row.delivered,
        invoiced=row.invoiced,
        cancellation=Cancellation(row.cancellation) if row.cancellation else None,
        cause=Cause(row.cause) if row.cause else None,
    )


def columns_of(standing: Standing) -> dict[str, Any]:
    """Return the columns that say where an order stands."""
    return {
        "status": standing.status,
        "delivered": standing.delivered,
        "invoiced": standing.invoiced,
        "cancellation": standing.cancellation,
        "cause": standing.cause,
    }


def _entry(delivery: Delivery, order_id: str, after: Standing, note: str | None, now: datetime) -> Entry:
    envelope = delivery.envelope
    return Entry(
        order_id=order_id,
        event_id=envelope.id,
        event=envelope.type.rpartition(".")[2],
        cause=envelope.causation_id,
        note=note,
        status=after.status,
        occurred_at=when_it_occurred(delivery),
        recorded_at=now,
    )
