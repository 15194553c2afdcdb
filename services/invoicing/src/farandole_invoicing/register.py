"""Register: issues invoices and credit notes, one of each an order, with numbers that have no gaps.

Everything happens in the delivery's own transaction. It locks the order's account first, then draws the number from the
counter's row, which stays locked until the commit: whoever is next waits, and a rollback gives the number back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from farandole import UnitOfWork
from farandole_events.types import BillTo
from sqlalchemy import Row, select, update

from farandole_invoicing.paper import CreditNote, Invoice, Seller
from farandole_invoicing.tables import account, counter, credit_note, invoice

INVOICES: Final = "invoice"
CREDIT_NOTES: Final = "credit note"
CANCELLED_FIRST: Final = "The order was cancelled before it was invoiced."


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice that has no number yet."""

    order_id: str
    bill: BillTo
    seller: Seller
    paid: bool
    issued_at: datetime
    due_at: datetime | None


async def issue(work: UnitOfWork, draft: Draft) -> tuple[Invoice, CreditNote | None] | None:
    """Issue an order's invoice, and take it back at once where the order is cancelled already.

    Returns None where the order has an invoice.
    """
    known = await _lock_account(work, draft.order_id)
    if known.invoice_number is not None:
        return None
    issued = Invoice(number=await _next_number(work, INVOICES), **msgspec.structs.asdict(draft))
    await work.execute(
        invoice.insert().values(
            number=issued.number,
            order_id=issued.order_id,
            paid=issued.paid,
            issued_at=issued.issued_at,
            due_at=issued.due_at,
            bill=msgspec.json.encode(issued.bill),
            seller=msgspec.json.encode(issued.seller),
        )
    )
    await _note(work, issued.order_id, invoice_number=issued.number)
    if not known.cancelled:
        return issued, None
    return issued, await _take_back(work, issued, CANCELLED_FIRST, issued.issued_at)


async def cancel(work: UnitOfWork, order_id: str, *, reason: str, now: datetime) -> CreditNote | None:
    """Take an order's invoice back; without one, remember that the order was cancelled."""
    known = await _lock_account(work, order_id)
    await _note(work, order_id, cancelled=True)
    if known.invoice_number is None or known.credit_note_number is not None:
        return None
    row = (await work.execute(select(invoice).where(invoice.c.number == known.invoice_number))).one()
    return await _take_back(work, invoice_of(row), reason, now)


def invoice_of(row: Row[Any]) -> Invoice:
    """Read an invoice."""
    return Invoice(
        number=row.number,
        order_id=row.order_id,
        bill=msgspec.json.decode(row.bill, type=BillTo),
        seller=msgspec.json.decode(row.seller, type=Seller),
        paid=row.paid,
        issued_at=row.issued_at,
        due_at=row.due_at,
    )


async def _take_back(work: UnitOfWork, issued: Invoice, reason: str, now: datetime) -> CreditNote:
    number = await _next_number(work, CREDIT_NOTES)
    await work.execute(
        credit_note.insert().values(number=number, invoice_number=issued.number, reason=reason, issued_at=now)
    )
    await _note(work, issued.order_id, credit_note_number=number)
    return CreditNote(number=number, invoice=issued, reason=reason, issued_at=now)


async def _lock_account(work: UnitOfWork, order_id: str) -> Row[Any]:
    await work.execute(work.insert(account).values(order_id=order_id, cancelled=False).on_conflict_do_nothing())
    return (await work.execute(work.for_update(select(account).where(account.c.order_id == order_id)))).one()


async def _note(work: UnitOfWork, order_id: str, **values: Any) -> None:
    await work.execute(update(account).where(account.c.order_id == order_id).values(**values))


async def _next_number(work: UnitOfWork, series: str) -> int:
    number = await work.scalar(
        work.insert(counter)
        .values(series=series, last=1)
        .on_conflict_do_update(index_elements=[counter.c.series], set_={"last": counter.c.last + 1})
        .returning(counter.c.last)
    )
    return int(number)
