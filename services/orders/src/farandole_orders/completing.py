"""Completing: delivery and invoice, in either order, complete an order."""

from __future__ import annotations

from farandole import Delivery, FollowOn, UnitOfWork
from farandole_events import InvoiceIssued, OrderCompleted, ShipmentDelivered

from farandole_orders.book import OrderBook
from farandole_orders.ending import completed
from farandole_orders.standing import News, Status


async def shipment_was_delivered(
    event: ShipmentDelivered, work: UnitOfWork, delivery: Delivery, book: OrderBook
) -> FollowOn[OrderCompleted] | None:
    """Note the delivery; with the invoice it completes the order."""
    note = f"tracking number {event.tracking_number}"
    heard = await book.hear(work, delivery, event.order_id, News(reaches=Status.DELIVERED), note=note)
    return await completed(work, delivery, heard)


async def invoice_was_issued(
    event: InvoiceIssued, work: UnitOfWork, delivery: Delivery, book: OrderBook
) -> FollowOn[OrderCompleted] | None:
    """Note the invoice, paid or not; with the delivery it completes the order."""
    note = f"invoice {event.invoice_number}, {'paid' if event.paid else 'not paid'}"
    heard = await book.hear(work, delivery, event.order_id, News(reaches=Status.INVOICED), note=note)
    return await completed(work, delivery, heard)
