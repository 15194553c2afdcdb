"""Happening rows: what happened to events besides being emitted, as it is kept in the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from farandole.delivery import Coordinates
from farandole.flow.happening import Happening, Kind
from farandole.http.page import LARGEST_NUMBER
from farandole.store import UnitOfWork
from sqlalchemy import RowMapping, select

from farandole_console.tables import happening

MOST_OF_A_FLOW: Final = 5_000
LONGEST_TOPIC: Final = 249
"""No topic of Kafka has a longer name."""
_AS_IT_IS: Final = (
    *("service", "source", "event_id", "type", "subject", "flow_id", "at", "ordinal", "attempt", "round_start"),
    *("due", "handler", "error_class", "message", "operation", "replay_id"),
)


async def keep_happenings(work: UnitOfWork, happenings: Sequence[Happening]) -> None:
    """Keep what is not kept yet."""
    if happenings:
        statement = work.insert(happening).on_conflict_do_nothing()
        await work.execute(statement, [_row(one) for one in happenings])


async def happenings_of(work: UnitOfWork, flow_id: str) -> Sequence[Happening]:
    """Return what happened in a flow."""
    query = select(happening).where(happening.c.flow_id == flow_id).order_by(happening.c.seq).limit(MOST_OF_A_FLOW)
    return [_happening(row) for row in (await work.execute(query)).mappings()]


async def happenings_after(
    work: UnitOfWork, *, after: int, limit: int, event_id: str
) -> Sequence[tuple[int, Happening]]:
    """Return what happened, to one event where it is named, in the order in which it was indexed."""
    query = select(happening).where(happening.c.seq > after).order_by(happening.c.seq).limit(limit)
    if event_id:
        query = query.where(happening.c.event_id == event_id)
    return [(row["seq"], _happening(row)) for row in (await work.execute(query)).mappings()]


def _row(one: Happening) -> Mapping[str, Any]:
    lies, origin = one.coordinates, _storable(one.origin, otherwise=one.coordinates)
    return {
        "kind": one.kind.value,
        **{name: getattr(one, name) for name in _AS_IT_IS},
        "topic": lies.topic,
        "partition": lies.partition,
        "offset": lies.offset,
        "origin_topic": origin.topic,
        "origin_partition": origin.partition,
        "origin_offset": origin.offset,
    }


def _storable(origin: Coordinates, *, otherwise: Coordinates) -> Coordinates:
    """Return where a record says that it came from, unless no column could hold that: whoever wrote it says it."""
    fits = len(origin.topic) <= LONGEST_TOPIC and "\x00" not in origin.topic
    return origin if fits and max(origin.partition, origin.offset) <= LARGEST_NUMBER else otherwise


def _happening(row: RowMapping) -> Happening:
    return Happening(
        kind=Kind(row["kind"]),
        coordinates=Coordinates(topic=row["topic"], partition=row["partition"], offset=row["offset"]),
        origin=Coordinates(topic=row["origin_topic"], partition=row["origin_partition"], offset=row["origin_offset"]),
        **{name: row[name] for name in _AS_IT_IS},
    )
