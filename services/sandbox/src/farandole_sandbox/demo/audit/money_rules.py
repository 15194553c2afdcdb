"""Money rules: each order is held once, taken at most once, given back where it was cancelled, and invoiced once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from farandole_sandbox.demo.audit.finding import Misfit, doubled, lost, once, unexplained
from farandole_sandbox.demo.books import Books

_MOVED = {
    "PaymentAuthorised": ("hold", "hold_id"),
    "PaymentCaptured": ("capture", "capture_id"),
}


def the_gateway_did_what_events_say(books: Books) -> Iterable[Misfit]:
    """Every hold, capture, void and refund is told by its event; a hold that nobody was told of was lifted."""
    for order_id in sorted(books.orders):
        holds, captures = books.done("hold", order_id), books.done("capture", order_id)
        if len(captures) > 1:
            yield doubled(f"the capture of {order_id}: {len(captures)} times")
        live = [hold for hold in holds if not books.done_to("void", hold.id)]
        if len(live) > 1:
            yield doubled(f"the hold of {order_id}: {len(live)} times")
        if not books.has(order_id, "PaymentAuthorised") and live:
            yield unexplained(f"{order_id} has a hold that no event tells of and that nobody lifted")
        for event in books.of(order_id, *_MOVED):
            kind, field = _MOVED[event.type]
            if event.fields[field] not in {effect.id for effect in books.done(kind, order_id)}:
                yield unexplained(f"{event} tells of a {kind} that the gateway never made")
        yield from once(len(captures), int(books.has(order_id, "PaymentCaptured")), f"the capture of {order_id}")


def what_was_held_or_taken_goes_back_when_cancelled(books: Books) -> Iterable[Misfit]:
    """Every hold of a cancelled order is voided or, once taken, refunded whole; those of other orders never are."""
    for order_id in sorted(books.orders):
        cancelled = books.has(order_id, "OrderCancelled")
        for capture in books.done("capture", order_id):
            back = books.done_to("refund", capture.id)
            yield from once(len(back), int(cancelled), f"the refund of {capture.id} of {order_id}")
            if back and sum(refund.amount_cents or 0 for refund in back) != capture.amount_cents:
                yield unexplained(f"the refund of {capture.id} of {order_id} is not the whole")
        for hold in books.done("hold", order_id):
            taken = bool(books.done_to("capture", hold.id)) or books.has(order_id, "PaymentCaptureFailed")
            voided = len(books.done_to("void", hold.id))
            if cancelled and not taken and not voided:
                yield lost(f"the void of {hold.id}: {order_id} is cancelled and its money still held")
            if voided and not cancelled:
                yield unexplained(f"{hold.id} was voided although {order_id} is not cancelled")


def completed_orders_are_paid_or_billed(books: Books) -> Iterable[Misfit]:
    """A completed order's money was taken, or its invoice says that it was not."""
    for event in books.of_type("OrderCompleted"):
        order_id = event.order_id or ""
        paid = bool(books.done("capture", order_id))
        for invoice in books.of(order_id, "InvoiceIssued"):
            if invoice.fields["paid"] is not paid:
                yield unexplained(f"{invoice} says paid={invoice.fields['paid']}, the gateway says {paid}")


def payments_agree_with_the_gateway(books: Books) -> Iterable[Misfit]:
    """The rows of payments name the holds, captures and refunds that the gateway made."""
    known = {effect.id for effect in books.effects}
    for row in books.rows("payments.payment"):
        for column in ("hold_id", "capture_id", "refund_id"):
            if row[column] and row[column] not in known:
                yield unexplained(f"payment of {row['order_id']} names {row[column]}, which the gateway does not know")
        if row["state"] in {"holding", "capturing"}:
            yield lost(f"payment of {row['order_id']} is still {row['state']}")


def invoice_numbers_have_no_gap(books: Books) -> Iterable[Misfit]:
    """Invoices, and credit notes, are numbered 1 to n, and events tell of just these, each for its own order."""
    for table, event_type, field in (
        ("invoicing.invoice", "InvoiceIssued", "invoice_number"),
        ("invoicing.credit_note", "CreditNoteIssued", "credit_note_number"),
    ):
        numbers = Counter(row["number"] for row in books.rows(table))
        told = Counter(event.fields[field] for event in books.of_type(event_type))
        for number in range(1, max([0, *numbers, *told]) + 1):
            yield from once(numbers[number], 1, f"{table} number {number}")
            yield from once(told[number], 1, f"{event_type} number {number}")


def every_order_has_one_invoice_at_most(books: Books) -> Iterable[Misfit]:
    """An order has one invoice: the one that its event names."""
    rows = Counter(row["order_id"] for row in books.rows("invoicing.invoice"))
    for order_id in sorted(books.orders | rows.keys()):
        wanted = int(books.has(order_id, "InvoiceIssued"))
        yield from once(rows[order_id], wanted, f"the invoice of {order_id}")
