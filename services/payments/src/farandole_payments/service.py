"""The payments service: holds, takes and gives back the money of orders."""

from __future__ import annotations

from typing import Final

from farandole import Service

from farandole_payments.book import PaymentBook
from farandole_payments.gateway import PaymentGateway
from farandole_payments.gateway_http import connect
from farandole_payments.settings import PaymentsSettings
from farandole_payments.tables import metadata

service: Final = Service("payments", tables=metadata)
service.provide(PaymentsSettings)
service.provide(PaymentGateway, connect)
service.provide(PaymentBook)

from farandole_payments import handlers, pages  # noqa: E402 - they register with the service

__all__ = ["handlers", "pages", "service"]
