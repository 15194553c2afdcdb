"""The table of the ERP service: what was posted, one row an order and stage."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import Column, MetaData, Table, Text

metadata: Final = MetaData()

postings: Final = Table(
    "postings",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("stage", Text, primary_key=True),
    Column("sales_order_id", Text, nullable=False),
    Column("posted_at", Moment, nullable=False),
)
