"""The table of payments."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, Table, Text

metadata: Final = MetaData()

payment: Final = Table(
    "payment",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("amount_cents", BigInteger, nullable=False, default=0),
    Column("currency", Text, nullable=False, default=""),
    Column("bill", LargeBinary),
    Column("hold_key", Text, nullable=False, default=""),
    Column("hold_id", Text, nullable=False, default=""),
    Column("expires_at", Moment),
    Column("capture_id", Text, nullable=False, default=""),
    Column("refund_id", Text, nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
)
"""One row an order. ``bill`` is the BillTo as JSON. A card's token is never stored: it would be as good as the card."""
