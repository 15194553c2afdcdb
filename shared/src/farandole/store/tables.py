"""The tables that Farandole keeps in a service's own database."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

from farandole.store.moment import Moment

LAYOUT: Final = 1
"""The version of the tables below. A database of another layout is refused at start, not guessed at."""

metadata: Final = MetaData()

owner: Final = Table(
    "farandole_owner",
    metadata,
    Column("one", SmallInteger, primary_key=True, autoincrement=False),
    Column("service", Text, nullable=False),
    Column("layout", Integer, nullable=False),
)
"""One row: which service's database this is. An inbox shared by two services would lose events of both."""

inbox: Final = Table(
    "farandole_inbox",
    metadata,
    Column("source", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("digest", LargeBinary),
    Column("follow_ons", LargeBinary),
    Column("handled_at", Moment, nullable=False),
)
Index("farandole_inbox_handled_at", inbox.c.handled_at)

outbox: Final = Table(
    "farandole_outbox",
    metadata,
    # SQLite counts upwards for ever only in a column that is INTEGER and declared AUTOINCREMENT.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("topic", Text, nullable=False),
    Column("key", LargeBinary),
    Column("headers", LargeBinary, nullable=False),
    Column("value", LargeBinary),
    Column("created", Moment, nullable=False),
    sqlite_autoincrement=True,
)
