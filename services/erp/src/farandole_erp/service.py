"""The ERP service: posts orders, their outcome and their invoices to the ERP."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from farandole import Backoff, Service
from farandole_events import CreditNoteIssued, InvoiceIssued, OrderCancelled, OrderCompleted, OrderPlaced

from farandole_erp import posting
from farandole_erp.app import create_app
from farandole_erp.sales_ledger import SalesLedger
from farandole_erp.sales_ledger_http import connect
from farandole_erp.settings import ErpSettings
from farandole_erp.tables import metadata

PATIENT: Final = Backoff(first=timedelta(seconds=1), factor=4, attempts=6)

service: Final = Service("erp", tables=metadata)
service.provide(ErpSettings)
service.provide(SalesLedger, connect)
service.http(create_app)

service.on(OrderPlaced, depends_on="erp", retry=PATIENT)(posting.order_was_placed)
service.on(OrderCompleted, depends_on="erp", retry=PATIENT)(posting.order_was_completed)
service.on(OrderCancelled, depends_on="erp", retry=PATIENT)(posting.order_was_cancelled)
service.on(InvoiceIssued, depends_on="erp", retry=PATIENT)(posting.invoice_was_issued)
service.on(CreditNoteIssued, depends_on="erp", retry=PATIENT)(posting.credit_note_was_issued)
