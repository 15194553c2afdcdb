"""Asked events: which events a request is about, for the pages and the JSON alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from farandole.http.page import MOST_ROWS, USUAL_ROWS, number_of, numbered_page_of, text_of
from farandole.http.refusal import RequestRefusedError

from farandole_console.event_search import EventMark, EventSearch, read_event_mark
from farandole_console.index import Index
from farandole_console.indexed_event import IndexedEvent


async def asked_events(index: Index, query: Mapping[str, str]) -> tuple[Sequence[IndexedEvent], int]:
    """Return events in the order in which they were indexed, and the ``after`` of the next page.

    Raises RequestRefusedError.
    """
    asked = numbered_page_of(query)
    events = await index.events(after=asked.after, limit=asked.limit, search=search_of(query))
    return events, events[-1].seq if events else asked.after


async def asked_latest(index: Index, query: Mapping[str, str]) -> tuple[Sequence[IndexedEvent], str | None]:
    """Return events, the latest first, and the ``before`` of the next page. Raises RequestRefusedError."""
    limit = number_of(query, "limit", usual=USUAL_ROWS, fewest=1, most=MOST_ROWS)
    before = None
    if said := text_of(query, "before"):
        before = read_event_mark(said)
        if before is None:
            raise RequestRefusedError("before must be what `next` of a page said")
    events = await index.latest_events(search_of(query), before=before, limit=limit)
    if len(events) < limit:
        return events, None
    return events, str(EventMark(appended=events[-1].appended, seq=events[-1].seq))


def search_of(query: Mapping[str, str]) -> EventSearch:
    """Read what is searched for. Raises RequestRefusedError."""
    return EventSearch(
        flow=text_of(query, "flow").strip(),
        key=text_of(query, "key").strip(),
        id=text_of(query, "id").strip(),
        type=text_of(query, "type").strip(),
        service=text_of(query, "service").strip(),
        topic=text_of(query, "topic").strip(),
        since=_moment(query, "from"),
        until=_moment(query, "to"),
    )


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    said = text_of(query, name).strip()
    if not said:
        return None
    try:
        # In a query a plus sign is a space.
        moment = datetime.fromisoformat(said.replace(" ", "+") if "T" in said else said)
    except ValueError as error:
        raise RequestRefusedError(f"{name} must be a time, as 2026-11-23T12:00:00Z") from error
    if moment.tzinfo is None:
        raise RequestRefusedError(f"{name} must have a zone, as 2026-11-23T12:00:00Z")
    return moment
