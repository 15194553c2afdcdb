"""The tables of the inventory. Quantities are units; the database itself refuses negative stock."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

metadata: Final = MetaData()

stock: Final = Table(
    "stock",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("supplier_id", Text, nullable=False),
    Column("initial", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False, server_default=text("0")),
    Column("reserved", BigInteger, nullable=False, server_default=text("0")),
    Column("released", BigInteger, nullable=False, server_default=text("0")),
    Column("waiting", BigInteger, nullable=False, server_default=text("0")),
    Column("reorder_level", Integer, nullable=False),
    Column("discontinued", Boolean, nullable=False),
    Column("shortage_id", Text),
    CheckConstraint("initial + received - reserved + released >= 0", name="stock_is_never_negative"),
    CheckConstraint("initial >= 0 AND received >= 0 AND waiting >= 0", name="counts_are_never_negative"),
    CheckConstraint("released >= 0 AND released <= reserved", name="only_what_was_reserved_is_released"),
)
"""``waiting`` is the sum of the product's rows in ``waiting_lines``; ``shortage_id`` is its open shortage, if any."""

reservations: Final = Table(
    "reservations",
    metadata,
    # The age of an order: SQLite counts upwards for ever only in an INTEGER that is declared AUTOINCREMENT.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("order_id", Text, nullable=False, unique=True),
    Column("reservation_id", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("changed_at", Moment, nullable=False),
    CheckConstraint("state IN ('held', 'released', 'backordered', 'rejected', 'cancelled')", name="state_is_known"),
    sqlite_autoincrement=True,
)
"""One row an order, for ever: it answers duplicates, and a cancellation that comes first finds its place here.

``cancelled`` held nothing: it was waiting, or was never placed (a tombstone). ``released`` did hold.
"""

reservation_lines: Final = Table(
    "reservation_lines",
    metadata,
    Column("order_id", Text, ForeignKey(reservations.c.order_id), primary_key=True),
    Column("product_id", Text, primary_key=True),
    Column("quantity", BigInteger, nullable=False),
    CheckConstraint("quantity > 0", name="a_line_asks_for_something"),
)
"""Never changed once written, so it is read without a lock. The key allows one reservation a line."""

backorders: Final = Table(
    "backorders",
    metadata,
    Column("order_id", Text, ForeignKey(reservations.c.order_id), primary_key=True),
    Column("deadline", Moment, nullable=False, index=True),
    Column("flow", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("ship_to", Text, nullable=False),
    Column("carrier", Text, nullable=False),
)
"""The orders that wait, with what their StockReserved will say. The row, and the address, go when the wait ends."""

waiting_lines: Final = Table(
    "waiting_lines",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("order_id", Text, ForeignKey(backorders.c.order_id), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    CheckConstraint("quantity > 0", name="a_waiting_line_asks_for_something"),
)
"""The lines of the orders that wait, by product and age: the order in which goods are given out."""
Index("waiting_lines_order_id", waiting_lines.c.order_id)

shortages: Final = Table(
    "shortages",
    metadata,
    Column("shortage_id", Text, primary_key=True),
    Column("product_id", Text, ForeignKey(stock.c.product_id), nullable=False),
    Column("wanted", BigInteger, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("purchase_order_id", Text),
)
Index(
    "one_open_shortage_a_product",
    shortages.c.product_id,
    unique=True,
    sqlite_where=shortages.c.closed_at.is_(None),
    postgresql_where=shortages.c.closed_at.is_(None),
)

goods_receipts: Final = Table(
    "goods_receipts",
    metadata,
    Column("purchase_order_id", Text, primary_key=True),
    Column("product_id", Text, ForeignKey(stock.c.product_id), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
)
"""The purchase orders whose goods were counted: told a second time, under whatever event id, they are not."""
