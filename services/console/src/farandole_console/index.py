"""Index: the events and flows that the console knows, in its own database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import structlog
from farandole.delivery import Coordinates
from farandole.flow.happening import Happening
from farandole.store import Store, UnitOfWork
from sqlalchemy import ColumnElement, and_, case, or_, select, tuple_

from farandole_console.event_search import EVERYTHING, EventMark, EventSearch
from farandole_console.flow import Flow
from farandole_console.flow_change import FlowChange, changes
from farandole_console.happening_rows import happenings_after, happenings_of, keep_happenings
from farandole_console.indexed_event import IndexedEvent
from farandole_console.mark import Mark
from farandole_console.operation_note import OperationNote, keep_notes, notes_of
from farandole_console.promises.promises import Promises
from farandole_console.seen import Seen
from farandole_console.sighting import First, Sighting, sorted_out
from farandole_console.tables import event, flow

log = structlog.get_logger(__name__)

MOST_SHOWN: Final = 1_000
"""How many events of one flow are read at most; a flow has a few dozen, unless somebody abuses its id."""


class Index:
    """The index. Adding is idempotent: an event that is known changes nothing, however often it comes."""

    def __init__(self, store: Store, promises: Promises) -> None:
        self._store = store
        self._promises = promises

    async def add(self, seen: Seen) -> int:
        """Index what is new of a batch, with the flows it belongs to, in one transaction; return how many events."""
        sightings = seen.sightings
        async with self._store.transaction() as work:
            await keep_happenings(work, seen.happenings)
            await keep_notes(work, seen.notes)
            first, _ = sorted_out(sightings, {})
            inserted = await _insert(work, first)
            await _change_flows(work, changes(inserted))
            await self._promises.take(work, inserted)
            if len(inserted) < len(sightings):
                await _keep_copies(work, sightings, inserted)
        return len(inserted)

    async def flows(self, *, limit: int, before: Mark | None, key: str) -> Sequence[Flow]:
        """Return flows, those that began last first; ``key`` narrows to a flow id or to the key of its first event."""
        query = select(flow).order_by(flow.c.began.desc(), flow.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(tuple_(flow.c.began, flow.c.id) < tuple_(before.began, before.flow_id))
        if key:
            query = query.where(or_(flow.c.subject == key, flow.c.id == key))
        async with self._store.reading() as work:
            return [Flow(**row) for row in (await work.execute(query)).mappings()]

    async def flow(self, flow_id: str) -> Flow | None:
        """Return the flow of this id, or the latest of this key, or that of an event of this id; None for none."""
        of_event = select(event.c.flow_id).where(event.c.event_id == flow_id).order_by(event.c.seq).limit(1)
        asked = (
            select(flow).where(flow.c.id == flow_id),
            select(flow).where(flow.c.subject == flow_id).order_by(flow.c.began.desc()).limit(1),
            select(flow).where(flow.c.id == of_event.scalar_subquery()),
        )
        async with self._store.reading() as work:
            for query in asked:
                row = (await work.execute(query)).mappings().first()
                if row is not None:
                    return Flow(**row)
        return None

    async def events(self, *, after: int, limit: int, search: EventSearch = EVERYTHING) -> Sequence[IndexedEvent]:
        """Return events in the order in which they were indexed."""
        query = select(event).where(event.c.seq > after, *search.conditions()).order_by(event.c.seq).limit(limit)
        async with self._store.reading() as work:
            return [IndexedEvent(**row) for row in (await work.execute(query)).mappings()]

    async def latest_events(
        self, search: EventSearch, *, before: EventMark | None, limit: int
    ) -> Sequence[IndexedEvent]:
        """Return events, those first that the broker appended last."""
        query = select(event).where(*search.conditions())
        if before is not None:
            query = query.where(tuple_(event.c.appended, event.c.seq) < tuple_(before.appended, before.seq))
        query = query.order_by(event.c.appended.desc(), event.c.seq.desc()).limit(limit)
        async with self._store.reading() as work:
            return [IndexedEvent(**row) for row in (await work.execute(query)).mappings()]

    async def happenings_of(self, flow_id: str) -> Sequence[Happening]:
        """Return what happened in a flow: its events, the first thousand at most, and five thousand other things.

        In the order of indexing, the events first.
        """
        query = select(event).where(event.c.flow_id == flow_id).order_by(event.c.seq).limit(MOST_SHOWN)
        async with self._store.reading() as work:
            events = [IndexedEvent(**row) for row in (await work.execute(query)).mappings()]
            others = await happenings_of(work, flow_id)
        known = {one.key: one for one in events}
        return [
            *(one.emitted() for one in events),
            *(known[one.event].copied(one) if one.event in known else one for one in others),
        ]

    async def happenings(self, *, after: int, limit: int, event_id: str) -> Sequence[tuple[int, Happening]]:
        """Return what happened, in the order in which it was indexed, each with its number in it."""
        async with self._store.reading() as work:
            return await happenings_after(work, after=after, limit=limit, event_id=event_id)

    async def notes_of(self, operation: str) -> Sequence[OperationNote]:
        """Return what the audit topic says of an operation, oldest first."""
        async with self._store.reading() as work:
            return await notes_of(work, operation)


async def _keep_copies(work: UnitOfWork, sightings: Sequence[Sighting], inserted: Sequence[Sighting]) -> None:
    # Only what was there already is compared: as a rule nothing, and asking for each took as long as inserting.
    new = frozenset(one.key for one in inserted)
    firsts = await _firsts(work, [one for one in sightings if one.key not in new])
    _, copies = sorted_out(sightings, firsts)
    await keep_happenings(work, [one.happening() for one in copies])
    for one in copies:
        if one.is_conflicting:
            await _mark_conflicting(work, one.sighting)


async def _firsts(work: UnitOfWork, sightings: Sequence[Sighting]) -> dict[tuple[str, str], First]:
    if not sightings:
        return {}
    wanted = tuple_(event.c.source, event.c.event_id).in_([one.key for one in sightings])
    lies = (event.c.topic, event.c.partition, event.c.offset)
    rows = await work.execute(select(event.c.source, event.c.event_id, event.c.digest, *lies).where(wanted))
    return {
        (row.source, row.event_id): First(
            coordinates=Coordinates(topic=row.topic, partition=row.partition, offset=row.offset), digest=row.digest
        )
        for row in rows
    }


async def _insert(work: UnitOfWork, sightings: Sequence[Sighting]) -> list[Sighting]:
    """Insert events and return those that were not there: a replica may have been faster."""
    if not sightings:
        return []
    statement = work.insert(event).on_conflict_do_nothing().returning(event.c.source, event.c.event_id)
    rows = await work.execute(statement, [one.row() for one in sightings])
    inserted = {(row.source, row.event_id) for row in rows}
    return [one for one in sightings if one.key in inserted]


async def _mark_conflicting(work: UnitOfWork, sighting: Sighting) -> None:
    log.error(
        "event id reused with other content",
        event_id=sighting.event_id,
        source=sighting.source,
        coordinates=f"{sighting.topic}[{sighting.partition}]@{sighting.offset}",
    )
    this = and_(event.c.source == sighting.source, event.c.event_id == sighting.event_id)
    await work.execute(event.update().where(this).values(conflicting=True))


async def _change_flows(work: UnitOfWork, gained: Sequence[FlowChange]) -> None:
    """Add to the flows' rows; the event that named a flow moves to its beginning, whenever it is seen."""
    if not gained:
        return
    statement = work.insert(flow)
    new = statement.excluded
    roots = or_(new.rooted, and_(~flow.c.rooted, new.began < flow.c.began))
    later = new.latest >= flow.c.latest

    def chosen(condition: ColumnElement[bool], column: str) -> ColumnElement[Any]:
        return case((condition, new[column]), else_=flow.c[column])

    upsert = statement.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "events": flow.c.events + new.events,
            "rooted": or_(flow.c.rooted, new.rooted),
            **{column: chosen(roots, column) for column in ("subject", "first_type", "began")},
            **{column: chosen(later, column) for column in ("last_type", "latest")},
        },
    )
    await work.execute(upsert, [change.row() for change in gained])
