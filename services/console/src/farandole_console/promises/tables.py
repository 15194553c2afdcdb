"""The tables of the promises, beside those of the index."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import Column, Index, Integer, Table, Text

from farandole_console.tables import metadata

promise: Final = Table(
    "promise",
    metadata,
    Column("flow_id", Text, primary_key=True),
    Column("expectation", Text, primary_key=True),
    Column("began", Moment, nullable=False),
    Column("look", Moment, nullable=False),
    Column("held_from", Moment),
    Column("held_until", Moment),
    Column("stuck_since", Moment),
    Column("why", Text, nullable=False),
)
"""One row for what a flow still owes; a promise that is kept has none. ``look`` is when it is judged next."""

Index("promise_by_look", promise.c.look)
Index("promise_by_stuck", promise.c.stuck_since)

pause: Final = Table(
    "pause",
    metadata,
    Column("began", Moment, primary_key=True),
    Column("ended", Moment, nullable=False),
)
"""The times in which the mesh stood still, or nobody watched it."""

watch: Final = Table("watch", metadata, Column("id", Integer, primary_key=True), Column("at", Moment, nullable=False))
"""One row: the last look that found everything in order."""
