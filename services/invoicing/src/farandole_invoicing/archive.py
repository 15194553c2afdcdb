"""Archive: the issued papers, for reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from farandole import Store
from sqlalchemy import Row, Select, select

from farandole_invoicing.paper import CreditNote, Invoice
from farandole_invoicing.register import invoice_of
from farandole_invoicing.tables import credit_note, invoice


class Archive:
    """Reads what is committed, beside the writers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def invoice(self, number: int) -> Invoice | None:
        """Return one invoice."""
        rows = await self._rows(select(invoice).where(invoice.c.number == number))
        return invoice_of(rows[0]) if rows else None

    async def invoices(self, *, after: int, limit: int) -> Sequence[Invoice]:
        """Return up to ``limit`` invoices by number, beginning after one."""
        page = select(invoice).where(invoice.c.number > after).order_by(invoice.c.number).limit(limit)
        return [invoice_of(row) for row in await self._rows(page)]

    async def credit_note(self, number: int) -> CreditNote | None:
        """Return one credit note."""
        rows = await self._rows(_credit_notes().where(credit_note.c.number == number))
        return _credit_note_of(rows[0]) if rows else None

    async def credit_notes(self, *, after: int, limit: int) -> Sequence[CreditNote]:
        """Return up to ``limit`` credit notes by number, beginning after one."""
        page = _credit_notes().where(credit_note.c.number > after).order_by(credit_note.c.number).limit(limit)
        return [_credit_note_of(row) for row in await self._rows(page)]

    async def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        async with self._store.reading() as work:
            return (await work.execute(statement)).all()


def _credit_notes() -> Select[Any]:
    return select(
        invoice,
        credit_note.c.number.label("credit_note_number"),
        credit_note.c.reason,
        credit_note.c.issued_at.label("credited_at"),
    ).join_from(credit_note, invoice)


def _credit_note_of(row: Row[Any]) -> CreditNote:
    return CreditNote(
        number=row.credit_note_number, invoice=invoice_of(row), reason=row.reason, issued_at=row.credited_at
    )
