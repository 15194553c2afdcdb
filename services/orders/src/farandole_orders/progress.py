"""Progress: the events that move an order's status or only its history. They are answered by nothing."""

from __future__ import annotations

from farandole import Delivery, UnitOfWork
from farandole.envelope import rfc3339
from farandole_events import (
    CancellationRefused,
    CreditNoteIssued,
    OrderPacked,
    PaymentAuthorised,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentRefunded,
    PaymentVoided,
    ShipmentDispatched,
    StockBackordered,
    StockReleased,
    StockReserved,
)

from farandole_orders.book import OrderBook
from farandole_orders.standing import News, Status


async def stock_was_reserved(event: StockReserved, work: UnitOfWork, delivery: Delivery, book: OrderBook) -> None:
    """Every line is set aside."""
    await book.hear(work, delivery, event.order_id, News(reaches=Status.RESERVED))


async def stock_was_backordered(event: StockBackordered, work: UnitOfWork, delivery: Delivery, book: OrderBook) -> None:
    """The order waits for goods."""
    await book.hear(
        work,
        delivery,
        event.order_id,
        News(reaches=Status.BACKORDERED),
        note=f"waits for goods until {rfc3339(event.deadline)}",
    )


async def payment_was_authorised(
    event: PaymentAuthorised, work: UnitOfWork, delivery: Delivery, book: OrderBook
) -> None:
    """The money is held."""
    await book.hear(work, delivery, event.order_id, News(reaches=Status.AUTHORISED))


async def order_was_packed(event: OrderPacked, work: UnitOfWork, delivery: Delivery, book: OrderBook) -> None:
    """The parcels wait for the carrier."""
    await book.hear(work, delivery, event.order_id, News(reaches=Status.PACKED))


async def shipment_was_dispatched(
    event: ShipmentDispatched, work: UnitOfWork, delivery: Delivery, book: OrderBook
) -> None:
    """The carrier has the parcels."""
    await book.hear(
        work,
        delivery,
        event.order_id,
        News(reaches=Status.DISPATCHED),
        note=f"{event.carrier}, tracking number {event.tracking_number}",
    )


async def payment_was_captured(event: PaymentCaptured, work: UnitOfWork, delivery: Delivery, book: OrderBook) -> None:
    """The money was taken."""
    await book.hear(work, delivery, event.order_id, News())


async def payment_capture_failed(
    event: PaymentCaptureFailed, work: UnitOfWork, delivery: Delivery, book: OrderBook
) -> None:
    """The money could not be taken; the order goes on, its invoice is unpaid."""
    await book.hear(work, delivery, event.order_id, News(), note=event.reason)


async def payment_was_voided(event: PaymentVoided, work: UnitOfWork, delivery: Delivery, book: OrderBook) -> None:
    """The hold was lifted."""
    await book.hear(work, delivery, event.order_id, News())


async def payment_was_refunded(event: PaymentRefunded, work: UnitOfWork, delivery: Delivery, book: OrderBook) -> None:
    """The money went back."""
    await book.hear(work, delivery, event.order_id, News())


async def stock_was_released(event: StockReleased, work: UnitOfWork, delivery: Delivery, book: OrderBook) -> None:
    """What was set aside went back to the stock."""
    await book.hear(work, delivery, event.order_id, News())


async def credit_note_was_issued(
    event: CreditNoteIssued, work: UnitOfWork, delivery: Delivery, book: OrderBook
) -> None:
    """The invoice was taken back."""
    await book.hear(
        work,
        delivery,
        event.order_id,
        News(),
        note=f"credit note {event.credit_note_number} for invoice {event.invoice_number}",
    )


async def cancellation_was_refused(
    event: CancellationRefused, work: UnitOfWork, delivery: Delivery, book: OrderBook
) -> None:
    """The warehouse could not stop the order any more; it goes on."""
    await book.hear(work, delivery, event.order_id, News(refuses=True), note=event.reason)
