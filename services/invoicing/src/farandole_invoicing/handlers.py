"""The handlers of invoicing: every payment taken or owed is invoiced, every cancelled invoice is credited."""

from __future__ import annotations

from farandole import Clock, UnitOfWork
from farandole_events.invoices import CreditNoteIssued, InvoiceIssued
from farandole_events.orders import OrderCancelled
from farandole_events.payments import PaymentCaptured, PaymentCaptureFailed
from farandole_events.types import BillTo

from farandole_invoicing.paper import CreditNote, Invoice, Seller
from farandole_invoicing.register import Draft, cancel, issue
from farandole_invoicing.service import service
from farandole_invoicing.settings import InvoicingSettings

Papers = tuple[InvoiceIssued | CreditNoteIssued, ...]


@service.on(PaymentCaptured, on_replay="run")
async def invoice_paid(
    payment: PaymentCaptured, settings: InvoicingSettings, clock: Clock, work: UnitOfWork
) -> tuple[InvoiceIssued | CreditNoteIssued, ...]:
    """Issue the invoice of an order whose money was taken."""
    return _told(await issue(work, _draft(payment.order_id, payment.bill, settings, clock, paid=True)))


@service.on(PaymentCaptureFailed, on_replay="run")
async def invoice_unpaid(
    payment: PaymentCaptureFailed, settings: InvoicingSettings, clock: Clock, work: UnitOfWork
) -> tuple[InvoiceIssued | CreditNoteIssued, ...]:
    """Issue the invoice of an order whose goods left and whose money is owed."""
    return _told(await issue(work, _draft(payment.order_id, payment.bill, settings, clock, paid=False)))


@service.on(OrderCancelled, on_replay="run")
async def credit(order: OrderCancelled, clock: Clock, work: UnitOfWork) -> CreditNoteIssued | None:
    """Take a cancelled order's invoice back."""
    note = await cancel(work, order.order_id, reason=order.reason, now=clock.now())
    return None if note is None else _credited(note)


def _draft(order_id: str, bill: BillTo, settings: InvoicingSettings, clock: Clock, *, paid: bool) -> Draft:
    now = clock.now()
    seller = Seller(name=settings.seller_name, address=settings.seller_address, tax_id=settings.seller_tax_id)
    due_at = None if paid else now + settings.payment_term
    return Draft(order_id=order_id, bill=bill, seller=seller, paid=paid, issued_at=now, due_at=due_at)


def _told(issued: tuple[Invoice, CreditNote | None] | None) -> Papers:
    if issued is None:
        return ()
    invoice, note = issued
    told = InvoiceIssued(
        order_id=invoice.order_id,
        invoice_number=invoice.number,
        customer_id=invoice.bill.customer_id,
        total_cents=invoice.bill.total_cents,
        currency=invoice.bill.currency,
        paid=invoice.paid,
        issued_at=invoice.issued_at,
    )
    return (told,) if note is None else (told, _credited(note))


def _credited(note: CreditNote) -> CreditNoteIssued:
    return CreditNoteIssued(
        order_id=note.invoice.order_id,
        credit_note_number=note.number,
        invoice_number=note.invoice.number,
        total_cents=note.invoice.bill.total_cents,
        currency=note.invoice.bill.currency,
        issued_at=note.issued_at,
    )
