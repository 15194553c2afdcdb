"""The invoicing service: issues invoices and credit notes, and prints them."""

from __future__ import annotations

from typing import Final

from farandole import Service

from farandole_invoicing.archive import Archive
from farandole_invoicing.settings import InvoicingSettings
from farandole_invoicing.tables import metadata

service: Final = Service("invoicing", tables=metadata)
service.provide(InvoicingSettings)
service.provide(Archive)

from farandole_invoicing import handlers, pages  # noqa: E402 - they register with the service

__all__ = ["handlers", "pages", "service"]
