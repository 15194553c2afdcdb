"""The payments service: holds, takes and gives back the money of orders."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from farandole import Service
from farandole_events.orders import OrderCancelled, OrderPlaced
from farandole_events.payments import PaymentAuthorised, PaymentDeclined, PaymentVoided

from farandole_payments.book import PaymentBook
from farandole_payments.gateway import PaymentGateway
from farandole_payments.gateway_http import connect
from farandole_payments.settings import PaymentsSettings
from farandole_payments.tables import metadata

service: Final = Service("payments", tables=metadata)
service.provide(PaymentsSettings)
service.provide(PaymentGateway, connect)
service.provide(PaymentBook)
# An order that is cancelled before its card is asked is never held.
service.expects(
    OrderPlaced,
    then=(PaymentAuthorised, PaymentDeclined, PaymentVoided, OrderCancelled),
    within=timedelta(minutes=30),
)

from farandole_payments import handlers, pages  # noqa: E402 - they register with the service

__all__ = ["handlers", "pages", "service"]
