"""The console over HTTP: pages for people, JSON for tools. Read only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from farandole.http.page import MOST_ROWS, is_storable, number_of, numbered_page_of, text_of
from farandole.http.refusal import RequestRefusedError, refusal
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from farandole_console import pages
from farandole_console.causation import tree
from farandole_console.flow import Flow
from farandole_console.guard import Guard
from farandole_console.index import MOST_SHOWN, Index
from farandole_console.indexed_event import IndexedEvent
from farandole_console.mark import Mark, read_mark
from farandole_console.service import service

USUAL_FLOWS: Final = 50
_CODES: Final = {404: "not_found", 405: "method_not_allowed"}


@service.http
def create_app(index: Index) -> ASGIApp:
    """Return the application."""
    views = _Views(index)
    return Starlette(
        routes=[
            Route("/", views.flows_page),
            Route("/flows/{flow_id:path}", views.flow_page),
            Route("/api/flows", views.flows),
            Route("/api/flows/{flow_id:path}", views.flow),
            Route("/events", views.events),
            Mount("/static", StaticFiles(packages=[("farandole_console", "static")])),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: _refused},
    )


class _Views:
    """What is answered to each request."""

    def __init__(self, index: Index) -> None:
        self._index = index

    async def flows_page(self, request: Request) -> Response:
        flows, following = await self._page(request)
        return pages.flows(flows, key=request.query_params.get("key", ""), following=following)

    async def flow_page(self, request: Request) -> Response:
        flow, events = await self._flow(request)
        return pages.flow(flow, tree(events), cut=len(events) == MOST_SHOWN)

    async def flows(self, request: Request) -> Response:
        flows, following = await self._page(request)
        return JSONResponse({"flows": [_flow_json(one) for one in flows], "next": following})

    async def flow(self, request: Request) -> Response:
        flow, events = await self._flow(request)
        branches = [{"depth": one.depth, **_event_json(one.event)} for one in tree(events)]
        return JSONResponse({**_flow_json(flow), "tree": branches})

    async def events(self, request: Request) -> Response:
        asked = numbered_page_of(request.query_params)
        events = await self._index.events(after=asked.after, limit=asked.limit)
        return JSONResponse(
            {"events": [_event_json(one) for one in events], "next": events[-1].seq if events else asked.after}
        )

    async def _page(self, request: Request) -> tuple[Sequence[Flow], str | None]:
        limit = number_of(request.query_params, "limit", usual=USUAL_FLOWS, fewest=1, most=MOST_ROWS)
        before = None
        if said := text_of(request.query_params, "before"):
            before = read_mark(said)
            if before is None:
                raise RequestRefusedError("before must be what `next` of a page said")
        key = text_of(request.query_params, "key").strip()
        flows = await self._index.flows(limit=limit, before=before, key=key)
        if len(flows) < limit:
            return flows, None
        return flows, str(Mark(began=flows[-1].began, flow_id=flows[-1].id))

    async def _flow(self, request: Request) -> tuple[Flow, Sequence[IndexedEvent]]:
        flow_id: str = request.path_params["flow_id"]
        flow = await self._index.flow(flow_id) if is_storable(flow_id) else None
        if flow is None:
            raise HTTPException(404, "no such flow is known; it may be older than the retention")
        return flow, await self._index.events_of(flow.id)


def _flow_json(flow: Flow) -> Mapping[str, Any]:
    return {
        "flow": flow.id,
        "key": flow.subject,
        "first_type": flow.first_type,
        "began": flow.began.isoformat(),
        "last_type": flow.last_type,
        "latest": flow.latest.isoformat(),
        "events": flow.events,
    }


def _event_json(event: IndexedEvent) -> Mapping[str, Any]:
    return {
        "seq": event.seq,
        "id": event.event_id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "flow": event.flow_id,
        "causation": event.causation_id,
        "causes": event.causes.split(",") if event.causes else [],
        "time": event.time,
        "appended": event.appended.isoformat(),
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.offset,
        "conflicting": event.conflicting,
    }


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    wants_page = request.url.path == "/" or request.url.path.startswith("/flows/")
    if wants_page:
        return pages.problem(error.status_code, error.detail)
    code = error.error if isinstance(error, RequestRefusedError) else _CODES.get(error.status_code, "refused")
    return refusal(error.status_code, code, error.detail, headers=error.headers)
