"""The order service: what it hears, what it serves, what it forgets."""

from __future__ import annotations

from datetime import timedelta

from farandole import Service
from farandole_events import (
    CancellationRefused,
    CancellationRequested,
    CreditNoteIssued,
    FulfilmentCancelled,
    InvoiceIssued,
    OrderCancelled,
    OrderCompleted,
    OrderPacked,
    OrderPlaced,
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
from farandole_orders.acceptance import Acceptance
from farandole_orders.app import create_app
from farandole_orders.book import OrderBook
from farandole_orders.cancellation import CancellationDesk
from farandole_orders.key_pruning import forget_old_keys
from farandole_orders.settings import OrdersSettings
from farandole_orders.tables import metadata

service = Service("orders", tables=metadata)
service.provide(OrdersSettings)
service.provide(OrderBook)

service.on(StockRejected, on_replay="run")(cancelling.stock_was_rejected)
service.on(PaymentDeclined, on_replay="run")(cancelling.payment_was_declined)
service.on(FulfilmentCancelled, on_replay="run")(cancelling.fulfilment_was_cancelled)
service.on(ShipmentReturned, on_replay="run")(cancelling.shipment_was_returned)

service.on(ShipmentDelivered, on_replay="run")(completing.shipment_was_delivered)
service.on(InvoiceIssued, on_replay="run")(completing.invoice_was_issued)

service.on(StockReserved, on_replay="run")(progress.stock_was_reserved)
service.on(StockBackordered, on_replay="run")(progress.stock_was_backordered)
service.on(StockReleased, on_replay="run")(progress.stock_was_released)
service.on(PaymentAuthorised, on_replay="run")(progress.payment_was_authorised)
service.on(PaymentCaptured, on_replay="run")(progress.payment_was_captured)
service.on(PaymentCaptureFailed, on_replay="run")(progress.payment_capture_failed)
service.on(PaymentVoided, on_replay="run")(progress.payment_was_voided)
service.on(PaymentRefunded, on_replay="run")(progress.payment_was_refunded)
service.on(OrderPacked, on_replay="run")(progress.order_was_packed)
service.on(ShipmentDispatched, on_replay="run")(progress.shipment_was_dispatched)
service.on(CreditNoteIssued, on_replay="run")(progress.credit_note_was_issued)
service.on(CancellationRefused, on_replay="run")(progress.cancellation_was_refused)

service.every(timedelta(seconds=10))(forget_old_keys)

# An order whose goods are short waits for a supplier: days. One whose goods are there is on its way at once.
service.expects(
    OrderPlaced,
    then=(ShipmentDispatched, StockBackordered, OrderCompleted, OrderCancelled),
    within=timedelta(minutes=30),
)
# Three days for the goods, as the inventory waits by default, and what carriers take.
service.expects(OrderPlaced, then=(OrderCompleted, OrderCancelled), within=timedelta(days=14))
service.http(create_app)
service.emits(OrderPlaced, by=Acceptance.place)
service.emits(CancellationRequested, by=CancellationDesk.request)
