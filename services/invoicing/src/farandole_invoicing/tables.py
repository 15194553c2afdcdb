"""The tables of invoicing."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, LargeBinary, MetaData, Table, Text

metadata: Final = MetaData()

account: Final = Table(
    "account",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("cancelled", Boolean, nullable=False),
    Column("invoice_number", BigInteger),
    Column("credit_note_number", BigInteger),
)
"""One row an order, locked by whoever invoices or credits it. Without an invoice, ``cancelled`` is the tombstone."""

counter: Final = Table(
    "counter",
    metadata,
    Column("series", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)
"""The last number of each series. A row, not a sequence: a sequence does not give a number back on a rollback."""

invoice: Final = Table(
    "invoice",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", Text, nullable=False, unique=True),
    Column("paid", Boolean, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("bill", LargeBinary, nullable=False),
    Column("seller", LargeBinary, nullable=False),
)
"""``bill`` is a BillTo and ``seller`` a Seller, as JSON: a paper is printed from what was said when it was issued."""

credit_note: Final = Table(
    "credit_note",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("invoice_number", BigInteger, ForeignKey("invoice.number"), nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    Column("issued_at", Moment, nullable=False),
)
