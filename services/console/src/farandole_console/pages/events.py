"""Events: every event of the mesh, searched or as they come, and one record of one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from farandole import headers as names
from farandole.http.page import number_of, text_of
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from farandole_console.asked_events import asked_latest, search_of
from farandole_console.event_search import EventMark, EventSearch, read_event_mark
from farandole_console.frame.frame import Frame
from farandole_console.frame.words import link
from farandole_console.index import Index
from farandole_console.indexed_event import IndexedEvent
from farandole_console.live.gatherer import Gatherer
from farandole_console.payloads.payloads import Payloads
from farandole_console.payloads.place import place_of, written

SHOWN: Final = 100
FILTERS: Final = ("key", "id", "type", "topic", "service", "flow", "from", "to")


def events_page(frame: Frame, index: Index, payloads: Payloads, gatherer: Gatherer) -> APIRouter:
    """Return the routes of the pages."""

    async def show(request: Request) -> Response:
        query = request.query_params
        limit = number_of(query, "limit", usual=SHOWN, fewest=1, most=SHOWN)
        is_live = text_of(query, "live") == "yes"
        events, before = await asked_latest(index, {**query, "limit": str(limit), "before": _before(query, is_live)})
        chosen = {name: text_of(query, name).strip() for name in FILTERS}
        newest = str(mark_of(events[0])) if events else ""
        return frame.page(
            request,
            "events/events.html",
            events=events,
            chosen=chosen,
            is_live=is_live,
            skipped=is_live and skipped(events, text_of(query, "last"), limit=limit),
            again=link("/events", chosen, live="yes", last=newest),
            watch=link("/events", chosen, live="yes"),
            still=link("/events", chosen),
            further=None if before is None or is_live else link("/events", chosen, before=before),
            topics=sorted(one.name for one in gatherer.sight.topics.values() if one.is_domain),
            command=command(search_of(query), query, is_live=is_live),
            written=written,
        )

    async def show_record(request: Request) -> Response:
        at = place_of(text_of(request.query_params, "record"))
        record = await payloads.record(at)
        if record is None:
            raise HTTPException(404, "no such record is there (any more)")
        told = {name: value.decode("utf-8", "replace") for name, value in record.headers}
        event_id = told.get(names.ID, "")
        happened = await index.happenings(after=0, limit=SHOWN, event_id=event_id) if event_id else []
        return frame.page(
            request,
            "events/record.html",
            at=at,
            record=record,
            envelope={name: value for name, value in told.items() if name in names.ENVELOPE},
            type=told.get(names.TYPE, ""),
            flow=told.get(names.CORRELATION_ID, "") or event_id,
            payload=payloads.masked(record.value),
            happened=[one for _, one in happened],
            place=written(at),
        )

    router = APIRouter()
    router.add_api_route("/events", show, methods=["GET"])
    router.add_api_route("/events/record", show_record, methods=["GET"])
    return router


def mark_of(event: IndexedEvent) -> EventMark:
    """Return where a page that ends with an event ends."""
    return EventMark(appended=event.appended, seq=event.seq)


def skipped(events: Sequence[IndexedEvent], last: str, *, limit: int) -> bool:
    """Tell whether more events came since the one at ``last`` than the latest ``limit``, which are shown."""
    before = read_event_mark(last)
    if before is None or len(events) < limit:
        return False
    oldest = events[-1]
    return (before.appended, before.seq) < (oldest.appended, oldest.seq)


def command(search: EventSearch, query: Mapping[str, str], *, is_live: bool) -> str:
    """Return the command that shows the same. It knows no service."""
    asked: dict[str, Any] = {
        "--topic": search.topic,
        "--type": search.type,
        "--key": search.key,
        "--id": search.id,
        "--flow": search.flow,
        "--from": "" if is_live else text_of(query, "from").strip().replace(" ", "+"),
        "--to": "" if is_live else text_of(query, "to").strip().replace(" ", "+"),
    }
    words = [word for name, value in asked.items() if value for word in (name, value)]
    return shlex.join(["farandole", *(("tail",) if is_live else ("events", "find")), *words])


def _before(query: Mapping[str, str], is_live: bool) -> str:
    return "" if is_live else text_of(query, "before")
