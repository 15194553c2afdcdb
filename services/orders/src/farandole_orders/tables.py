"""The tables of the order service. Amounts are integers in cents, moments are UTC."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

metadata: Final = MetaData()

# SQLite counts upwards for ever only in a column that is INTEGER and declared AUTOINCREMENT.
_Counter: Final = BigInteger().with_variant(Integer, "sqlite")

orders: Final = Table(
    "orders",
    metadata,
    Column("seq", _Counter, primary_key=True, autoincrement=True),
    Column("order_id", Text, nullable=False, unique=True),
    Column("reference", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("total_cents", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    # What was ordered, as JSON, for the order's own page. The payment token is not in it: nobody here needs it again.
    Column("document", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("delivered", Boolean, nullable=False),
    Column("invoiced", Boolean, nullable=False),
    Column("cancellation", Text),
    Column("cause", Text),
    Column("reason", Text),
    Column("placed_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("ended_at", Moment),
    sqlite_autoincrement=True,
)
Index("orders_by_status", orders.c.status, orders.c.seq)

history: Final = Table(
    "order_history",
    metadata,
    Column("seq", _Counter, primary_key=True, autoincrement=True),
    Column("order_id", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("cause", Text),
    Column("note", Text),
    Column("status", Text, nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    UniqueConstraint("order_id", "event_id"),
    sqlite_autoincrement=True,
)
"""One row an event. ``cause`` is the event that it answers, ``status`` where the order stood after it."""

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created", Moment, nullable=False),
)
Index("idempotency_keys_by_age", idempotency_keys.c.created)
