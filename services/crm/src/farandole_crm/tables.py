"""The table of the CRM service: what customers were told, one row an order and template."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import Column, MetaData, Table, Text

metadata: Final = MetaData()

notifications: Final = Table(
    "notifications",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("template", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("notification_id", Text, nullable=False),
    Column("sent_at", Moment, nullable=False),
)
