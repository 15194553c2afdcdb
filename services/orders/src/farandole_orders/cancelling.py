"""Cancelling: the four events that end an order without goods for the customer. The first one that comes wins."""

from __future__ import annotations

from farandole import Delivery, FollowOn, UnitOfWork
from farandole_events import FulfilmentCancelled, OrderCancelled, PaymentDeclined, ShipmentReturned, StockRejected

from farandole_orders.book import OrderBook
from farandole_orders.ending import cancelled
from farandole_orders.standing import Cause, News


async def stock_was_rejected(
    event: StockRejected, work: UnitOfWork, delivery: Delivery, book: OrderBook
) -> FollowOn[OrderCancelled] | None:
    """Cancel an order that cannot be supplied."""
    heard = await book.hear(work, delivery, event.order_id, News(cancels=Cause.STOCK_REJECTED), note=event.reason)
    return await cancelled(work, delivery, heard)


async def payment_was_declined(
    event: PaymentDeclined, work: UnitOfWork, delivery: Delivery, book: OrderBook
) -> FollowOn[OrderCancelled] | None:
    """Cancel an order that the customer's card does not pay for."""
    heard = await book.hear(work, delivery, event.order_id, News(cancels=Cause.PAYMENT_DECLINED), note=event.reason)
    return await cancelled(work, delivery, heard)


async def fulfilment_was_cancelled(
    event: FulfilmentCancelled, work: UnitOfWork, delivery: Delivery, book: OrderBook
) -> FollowOn[OrderCancelled] | None:
    """Cancel an order that the warehouse stopped for the customer."""
    heard = await book.hear(work, delivery, event.order_id, News(cancels=Cause.CUSTOMER), note=event.reason)
    return await cancelled(work, delivery, heard)


async def shipment_was_returned(
    event: ShipmentReturned, work: UnitOfWork, delivery: Delivery, book: OrderBook
) -> FollowOn[OrderCancelled] | None:
    """Cancel an order that came back undelivered; after completion a return is only noted."""
    heard = await book.hear(work, delivery, event.order_id, News(cancels=Cause.RETURNED), note=event.reason)
    return await cancelled(work, delivery, heard)
