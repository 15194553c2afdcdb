"""Telling: what a customer is told of an order, each thing once."""

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

from farandole_crm.messenger import Messenger, Notification, Template
from farandole_crm.tables import notifications


async def order_was_placed(placed: OrderPlaced, crm: Messenger, work: UnitOfWork) -> CustomerNotified:
    """Confirm the order."""
    return await _tell(placed.customer_id, placed.order_id, Template.PLACED, crm, work, reference=placed.reference)


async def stock_was_backordered(waiting: StockBackordered, crm: Messenger, work: UnitOfWork) -> CustomerNotified:
    """Say that the order waits for goods, and until when."""
    until = waiting.deadline.date().isoformat()
    return await _tell(waiting.customer_id, waiting.order_id, Template.BACKORDERED, crm, work, until=until)


async def shipment_was_dispatched(sent: ShipmentDispatched, crm: Messenger, work: UnitOfWork) -> CustomerNotified:
    """Say that the order is on its way, and how it can be followed."""
    how = {"carrier": sent.carrier, "tracking_number": sent.tracking_number}
    return await _tell(sent.customer_id, sent.order_id, Template.DISPATCHED, crm, work, **how)


async def order_was_completed(completed: OrderCompleted, crm: Messenger, work: UnitOfWork) -> CustomerNotified:
    """Thank for the order."""
    return await _tell(completed.customer_id, completed.order_id, Template.COMPLETED, crm, work)


async def order_was_cancelled(cancelled: OrderCancelled, crm: Messenger, work: UnitOfWork) -> CustomerNotified:
    """Say that the order is cancelled, and why."""
    reason = cancelled.reason
    return await _tell(cancelled.customer_id, cancelled.order_id, Template.CANCELLED, crm, work, reason=reason)


async def _tell(
    customer_id: str, order_id: str, template: Template, crm: Messenger, work: UnitOfWork, **parameters: str
) -> CustomerNotified:
    told = Notification(customer_id=customer_id, order_id=order_id, template=template, parameters=parameters)
    # The key is the order's and the template's: nobody is told the same thing of an order twice.
    sent = await crm.send(told, idempotency_key=f"notification:{order_id}:{template}")
    row = {
        "order_id": order_id,
        "template": template,
        "customer_id": customer_id,
        "notification_id": sent.notification_id,
        "sent_at": sent.sent_at,
    }
    await work.execute(work.insert(notifications).values(row).on_conflict_do_nothing())
    return CustomerNotified(
        customer_id=customer_id,
        order_id=order_id,
        notification_id=sent.notification_id,
        template=template.value,
        sent_at=sent.sent_at,
    )
