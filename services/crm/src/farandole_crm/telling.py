"""Telling: what a customer is told of an order."""

from __future__ import annotations

from farandole import UnitOfWork
from farandole_events import (
    CustomerNotified,
    OrderCancelled,
    OrderCompleted,
    OrderPlaced,
    ShipmentDispatched,
    StockBackordered,
)

from farandole_crm.messenger import Notification, Template
from farandole_crm.teller import Teller


async def order_was_placed(placed: OrderPlaced, teller: Teller, work: UnitOfWork) -> CustomerNotified | None:
    """Confirm the order."""
    return await teller.tell(_about(placed, Template.PLACED, reference=placed.reference), work)


async def stock_was_backordered(waiting: StockBackordered, teller: Teller, work: UnitOfWork) -> CustomerNotified | None:
    """Say that the order waits for goods, and until when."""
    until = waiting.deadline.date().isoformat()
    return await teller.tell(_about(waiting, Template.BACKORDERED, until=until), work)


async def shipment_was_dispatched(
    sent: ShipmentDispatched, teller: Teller, work: UnitOfWork
) -> CustomerNotified | None:
    """Say that the order is on its way, and how it can be followed."""
    told = _about(sent, Template.DISPATCHED, carrier=sent.carrier, tracking_number=sent.tracking_number)
    return await teller.tell(told, work)


async def order_was_completed(completed: OrderCompleted, teller: Teller, work: UnitOfWork) -> CustomerNotified | None:
    """Thank for the order."""
    return await teller.tell(_about(completed, Template.COMPLETED), work)


async def order_was_cancelled(cancelled: OrderCancelled, teller: Teller, work: UnitOfWork) -> CustomerNotified | None:
    """Say that the order is cancelled, and why."""
    return await teller.tell(_about(cancelled, Template.CANCELLED, reason=cancelled.reason), work)


def _about(
    event: OrderPlaced | StockBackordered | ShipmentDispatched | OrderCompleted | OrderCancelled,
    template: Template,
    **parameters: str,
) -> Notification:
    return Notification(
        customer_id=event.customer_id, order_id=event.order_id, template=template, parameters=parameters
    )
