"""Ending: the two events that end an order, each at most once and never both.

Their ids are derived from the order, so that whatever caused them, and wherever it ran, they are the same.
"""

from __future__ import annotations

from farandole import Delivery, Event, FollowOn, UnitOfWork
from farandole.identity import join_id
from farandole_events import InvoiceIssued, OrderCancelled, OrderCompleted, ShipmentDelivered
from sqlalchemy import select

from farandole_orders.book import Heard
from farandole_orders.chronicle import Entry, record
from farandole_orders.standing import Status
from farandole_orders.tables import history

_HALVES = (ShipmentDelivered.__name__, InvoiceIssued.__name__)


async def cancelled(work: UnitOfWork, delivery: Delivery, heard: Heard) -> FollowOn[OrderCancelled] | None:
    """Return the order's OrderCancelled where this very news cancelled it."""
    if heard.ended is not Status.CANCELLED:
        return None
    assert heard.standing.cause is not None, "a cancelled order has a cause"
    event = OrderCancelled(
        order_id=heard.order_id,
        customer_id=heard.customer_id,
        reason=heard.note or heard.standing.cause.value,
        cause=heard.standing.cause.value,
    )
    await _record(work, delivery, heard, event)
    return FollowOn(event=event, flow=heard.flow, join=heard.order_id)


async def completed(work: UnitOfWork, delivery: Delivery, heard: Heard) -> FollowOn[OrderCompleted] | None:
    """Return the order's OrderCompleted where this very news was the second half of delivered and invoiced."""
    if heard.ended is not Status.COMPLETED:
        return None
    event = OrderCompleted(
        order_id=heard.order_id,
        customer_id=heard.customer_id,
        total_cents=heard.total_cents,
        currency=heard.currency,
        completed_at=heard.now,
    )
    await _record(work, delivery, heard, event)
    causes = await _other_half(work, delivery, heard)
    return FollowOn(event=event, flow=heard.flow, join=heard.order_id, causes=causes)


async def _other_half(work: UnitOfWork, delivery: Delivery, heard: Heard) -> tuple[str, ...]:
    halves = select(history.c.event_id).where(
        history.c.order_id == heard.order_id,
        history.c.event.in_(_HALVES),
        history.c.event_id != delivery.event_id,
    )
    return tuple((await work.execute(halves.order_by(history.c.seq))).scalars())


async def _record(work: UnitOfWork, delivery: Delivery, heard: Heard, event: Event) -> None:
    await record(
        work,
        Entry(
            order_id=heard.order_id,
            event_id=join_id(join=heard.order_id, service=delivery.service, event_type=event.avro.fullname, ordinal=0),
            event=type(event).__name__,
            cause=delivery.event_id,
            status=heard.standing.status,
            occurred_at=heard.now,
            recorded_at=heard.now,
        ),
    )
