"""The tables of the index: every event once, what else happened to it, what operators did, and one row a flow."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import DDL, BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.event import listen

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
Index("event_by_id", event.c.event_id)
Index("event_by_time", event.c.appended, event.c.seq)
Index("event_by_subject", event.c.subject, event.c.appended, event.c.seq)
Index("event_by_source", event.c.source, event.c.appended, event.c.seq)
# The last columns serve a search that asks for them too: events that do not match are passed over within the index.
Index("event_by_topic", event.c.topic, event.c.appended, event.c.seq, event.c.source)
Index("event_by_type", event.c.type, event.c.appended, event.c.seq, event.c.topic, event.c.source)

# PostgreSQL takes columns for independent: it looked for the events of a type on another's topic along the whole table,
# sure to find a page of them soon (270 ms at a million events; 50 ms since it counts the columns together).
_COUNTED_TOGETHER: Final = DDL(  # type: ignore[no-untyped-call] # SQLAlchemy has no types for it
    "CREATE STATISTICS IF NOT EXISTS event_kinds (mcv) ON type, topic, source FROM event"
)
listen(event, "after_create", _COUNTED_TOGETHER.execute_if(dialect="postgresql"))

happening: Final = Table(
    "happening",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("flow_id", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("origin_topic", Text, nullable=False),
    Column("origin_partition", BigInteger, nullable=False),
    Column("origin_offset", BigInteger, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("round_start", BigInteger, nullable=False),
    Column("due", Moment),
    Column("handler", Text, nullable=False),
    Column("error_class", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("replay_id", Text, nullable=False),
    UniqueConstraint("topic", "partition", "offset", "ordinal"),
    sqlite_autoincrement=True,
)
"""One row for whatever happened to an event besides being emitted: what private topics and outcomes tell. A record that
comes again changes nothing. ``message`` holds no personal values."""

Index("happening_by_flow", happening.c.flow_id, happening.c.seq)
Index("happening_by_event", happening.c.event_id, happening.c.seq)
Index("happening_by_time", happening.c.at, happening.c.seq)

operation_note: Final = Table(
    "operation_note",
    metadata,
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("operation", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("service", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
)
"""One row a record of the audit topic: that an operation began, how far it came, how it ended."""

Index("operation_note_by_operation", operation_note.c.operation, operation_note.c.offset)
Index("operation_note_by_time", operation_note.c.at)

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
