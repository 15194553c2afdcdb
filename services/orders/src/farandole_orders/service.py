"""The order service: what it hears, what it serves, what it forgets."""

from __future__ import annotations

from datetime import timedelta

from farandole import Service
from farandole_events import (
    CancellationRefused,
    CreditNoteIssued,
    FulfilmentCancelled,
    InvoiceIssued,
    OrderPacked,
    PaymentAuthorised,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentReturned,
    StockBackordered,
    StockRejected,
    StockReleased,
    StockReserved,
)

from farandole_orders import cancelling, completing, progress
from farandole_orders.app import create_app
from farandole_orders.book import OrderBook
from farandole_orders.key_pruning import forget_old_keys
from farandole_orders.settings import OrdersSettings
from farandole_orders.tables import metadata

service = Service("orders", tables=metadata)
service.provide(OrdersSettings)
service.provide(OrderBook)

service.on(StockRejected)(cancelling.stock_was_rejected)
service.on(PaymentDeclined)(cancelling.payment_was_declined)
service.on(FulfilmentCancelled)(cancelling.fulfilment_was_cancelled)
service.on(ShipmentReturned)(cancelling.shipment_was_returned)

service.on(ShipmentDelivered)(completing.shipment_was_delivered)
service.on(InvoiceIssued)(completing.invoice_was_issued)

service.on(StockReserved)(progress.stock_was_reserved)
service.on(StockBackordered)(progress.stock_was_backordered)
service.on(StockReleased)(progress.stock_was_released)
service.on(PaymentAuthorised)(progress.payment_was_authorised)
service.on(PaymentCaptured)(progress.payment_was_captured)
service.on(PaymentCaptureFailed)(progress.payment_capture_failed)
service.on(PaymentVoided)(progress.payment_was_voided)
service.on(PaymentRefunded)(progress.payment_was_refunded)
service.on(OrderPacked)(progress.order_was_packed)
service.on(ShipmentDispatched)(progress.shipment_was_dispatched)
service.on(CreditNoteIssued)(progress.credit_note_was_issued)
service.on(CancellationRefused)(progress.cancellation_was_refused)

service.every(timedelta(seconds=10))(forget_old_keys)
service.http(create_app)
