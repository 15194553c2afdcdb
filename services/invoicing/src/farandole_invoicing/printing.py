"""Printing: an invoice or a credit note as a PDF. The same paper gives the same bytes, today and in ten years."""

from __future__ import annotations

from datetime import datetime

from farandole_invoicing.money import full
from farandole_invoicing.paper import CreditNote, Invoice
from farandole_invoicing.sheet import Fact, Sheet, Stamp, Tone


def print_invoice(invoice: Invoice) -> bytes:
    """Return an invoice as a PDF."""
    stamp = _paid(invoice) if invoice.paid else _owed(invoice)
    facts = (
        Fact(name="Invoice no.", value=written(invoice.number)),
        Fact(name="Date", value=day(invoice.issued_at)),
        *_of_order(invoice),
    )
    sheet = Sheet(title="Invoice", number=written(invoice.number), seller=invoice.seller, created=invoice.issued_at)
    return sheet.fill(invoice.bill, address_title="Bill to", facts=facts, total_title="Total", stamp=stamp)


def print_credit_note(note: CreditNote) -> bytes:
    """Return a credit note as a PDF: it repeats what it takes back."""
    facts = (
        Fact(name="Credit note no.", value=written(note.number)),
        Fact(name="Date", value=day(note.issued_at)),
        Fact(name="For invoice no.", value=written(note.invoice.number)),
        *_of_order(note.invoice),
    )
    owed = "The amount taken goes back to your card." if note.invoice.paid else "Nothing is owed for that invoice."
    told = f"{owed} Reason: {note.reason}" if note.reason else owed
    stamp = Stamp(title="Credited", text=told, tone=Tone.GOOD)
    sheet = Sheet(title="Credit note", number=written(note.number), seller=note.invoice.seller, created=note.issued_at)
    return sheet.fill(
        note.invoice.bill, address_title="Credit to", facts=facts, total_title="Total credited", stamp=stamp
    )


def written(number: int) -> str:
    """Return a paper's number as it is printed."""
    return f"{number:06d}"


def day(moment: datetime) -> str:
    """Return a day as it is printed: 23 November 2026 (in UTC)."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


# Not strftime: what it prints depends on the process's locale.
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _of_order(invoice: Invoice) -> tuple[Fact, ...]:
    return (
        Fact(name="Your reference", value=invoice.bill.reference),
        Fact(name="Customer", value=invoice.bill.customer_id),
        Fact(name="Order", value=invoice.order_id),
    )


def _paid(invoice: Invoice) -> Stamp:
    amount = full(invoice.bill.total_cents, invoice.bill.currency)
    return Stamp(title="Paid", text=f"{amount} was taken from your card. Thank you.", tone=Tone.GOOD)


def _owed(invoice: Invoice) -> Stamp:
    amount = full(invoice.bill.total_cents, invoice.bill.currency)
    until = f" by {day(invoice.due_at)}" if invoice.due_at is not None else ""
    text = f"Your card could not be charged. Please pay {amount}{until} and quote invoice {written(invoice.number)}."
    return Stamp(title="Payment due", text=text, tone=Tone.OPEN)
