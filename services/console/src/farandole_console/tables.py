"""The tables of the index: every event once, and one row a flow."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text, UniqueConstraint

metadata: Final = MetaData()

event: Final = Table(
    "event",
    metadata,
    # SQLite counts upwards for ever only in a column that is INTEGER and declared AUTOINCREMENT.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("flow_id", Text, nullable=False),
    Column("causation_id", Text),
    Column("causes", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("appended", Moment, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("digest", BigInteger, nullable=False),
    Column("conflicting", Boolean, nullable=False),
    UniqueConstraint("source", "event_id"),
    sqlite_autoincrement=True,
)
"""One row an event, at the coordinates where it was first seen. ``time`` is the sender's word, ``appended`` the
broker's. ``conflicting`` marks an id that came again with other content. Payloads are not kept: they name people."""

Index("event_by_flow", event.c.flow_id, event.c.seq)

flow: Final = Table(
    "flow",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("rooted", Boolean, nullable=False),
    Column("events", Integer, nullable=False),
    Column("first_type", Text, nullable=False),
    Column("began", Moment, nullable=False),
    Column("last_type", Text, nullable=False),
    Column("latest", Moment, nullable=False),
)
"""One row a flow. ``rooted`` says that the event which began it was seen; until then the earliest one stands for it."""

Index("flow_by_beginning", flow.c.began, flow.c.id)
Index("flow_by_subject", flow.c.subject)
Index("flow_by_latest", flow.c.latest)
