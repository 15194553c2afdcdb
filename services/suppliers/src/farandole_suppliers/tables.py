"""The tables of the suppliers service: what was ordered, and whether it came."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, Table, Text

metadata: Final = MetaData()

purchase_orders: Final = Table(
    "purchase_orders",
    metadata,
    Column("shortage_id", Text, primary_key=True),
    Column("product_id", Text, nullable=False),
    Column("supplier_id", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("state", Text, nullable=False),
    # The flow and the event that the goods, when they come, continue.
    Column("flow", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("intended_at", Moment, nullable=False),
    Column("purchase_order_id", Text, unique=True),
    Column("expected_at", Moment),
    Column("received", Integer),
    Column("received_at", Moment),
    # The event that told of the goods, made from the sender's id: one message cannot bring the goods of two orders.
    Column("received_by", Text, unique=True),
    CheckConstraint("state IN ('intended', 'sent', 'received')", name="state_is_known"),
    CheckConstraint("state = 'intended' OR purchase_order_id IS NOT NULL", name="what_was_sent_has_a_number"),
    CheckConstraint("quantity > 0", name="something_is_ordered"),
)
"""One row a shortage. It is written before the supplier is asked (``intended``), so that two shortages of one product
cannot both be on their way to the supplier, and a crash leaves a trace of what may have been ordered."""

Index(
    "one_open_purchase_order_a_product",
    purchase_orders.c.product_id,
    unique=True,
    sqlite_where=purchase_orders.c.state != "received",
    postgresql_where=purchase_orders.c.state != "received",
)
