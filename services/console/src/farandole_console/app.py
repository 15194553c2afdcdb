"""The console over HTTP: pages for people, JSON for tools. Read only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from farandole_console import page, pages
from farandole_console.causation import tree
from farandole_console.flow import Flow
from farandole_console.guard import Guard
from farandole_console.index import MOST_SHOWN, Index
from farandole_console.indexed_event import IndexedEvent
from farandole_console.service import service


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
        after = _whole(request, "after", usual=0, most=2**53)
        limit = max(1, _whole(request, "limit", usual=100, most=page.LARGEST))
        events = await self._index.events(after=after, limit=limit)
        return JSONResponse(
            {"events": [_event_json(one) for one in events], "next": events[-1].seq if events else after}
        )

    async def _page(self, request: Request) -> tuple[Sequence[Flow], str | None]:
        limit = max(1, _whole(request, "limit", usual=page.USUAL, most=page.LARGEST))
        before = None
        if said := request.query_params.get("before"):
            before = page.read_mark(said)
            if before is None:
                raise HTTPException(422, "`before` is the `next` of the page before")
        key = request.query_params.get("key", "").strip()
        flows = await self._index.flows(limit=limit, before=before, key=key)
        if len(flows) < limit:
            return flows, None
        return flows, str(page.Mark(began=flows[-1].began, flow_id=flows[-1].id))

    async def _flow(self, request: Request) -> tuple[Flow, Sequence[IndexedEvent]]:
        flow = await self._index.flow(request.path_params["flow_id"])
        if flow is None:
            raise HTTPException(404, "no such flow is known; it may be older than the retention")
        return flow, await self._index.events_of(flow.id)


def _whole(request: Request, name: str, *, usual: int, most: int) -> int:
    said = request.query_params.get(name)
    number = usual if said is None else page.whole(said, most=most)
    if number is None:
        raise HTTPException(422, f"`{name}` is a number, at most {most}")
    return number


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
    return JSONResponse({"error": error.detail}, error.status_code)
