"""Api: what the index knows, as JSON for tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from farandole.flow.document import encoded
from farandole.flow.drawing import lines, mermaid
from farandole.flow.happening import Happening
from farandole.http.page import MOST_ROWS, number_of, numbered_page_of, text_of
from farandole.http.refusal import RequestRefusedError
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from farandole_console.asked_events import asked_events, asked_latest
from farandole_console.asked_flows import USUAL_FLOWS, asked_flows
from farandole_console.flow import Flow
from farandole_console.index import Index
from farandole_console.indexed_event import IndexedEvent
from farandole_console.promises.promises import Promises
from farandole_console.told_flow import FlowTeller


def api(index: Index, promises: Promises, teller: FlowTeller) -> APIRouter:
    """Return the routes."""

    async def flows(request: Request) -> Response:
        if request.query_params.get("stuck") == "1":
            limit = number_of(request.query_params, "limit", usual=USUAL_FLOWS, fewest=1, most=MOST_ROWS)
            return JSONResponse({"flows": list(await promises.stuck(limit=limit)), "next": None})
        page, following = await asked_flows(index, request.query_params)
        return JSONResponse({"flows": [_flow_json(one) for one in page], "next": following})

    async def flow(flow_id: str, request: Request) -> Response:
        told = await teller.flow(flow_id)
        way = text_of(request.query_params, "as")
        if way in {"lines", "mermaid"}:
            shown = lines(told.tree, told.waits) if way == "lines" else mermaid(told.tree)
            return PlainTextResponse("\n".join(shown))
        if way not in {"", "json"}:
            raise RequestRefusedError("as must be json, lines or mermaid")
        return Response(encoded(told.tree, told.waits), media_type="application/json")

    async def events(request: Request) -> Response:
        page, following = await asked_events(index, request.query_params)
        return JSONResponse({"events": [_event_json(one) for one in page], "next": following})

    async def latest_events(request: Request) -> Response:
        page, before = await asked_latest(index, request.query_params)
        return JSONResponse({"events": [_event_json(one) for one in page], "next": before})

    async def happenings(request: Request) -> Response:
        asked = numbered_page_of(request.query_params)
        event_id = text_of(request.query_params, "id").strip()
        page = await index.happenings(after=asked.after, limit=asked.limit, event_id=event_id)
        return JSONResponse(
            {
                "happenings": [{"seq": seq, **_happening_json(one)} for seq, one in page],
                "next": page[-1][0] if page else asked.after,
            }
        )

    router = APIRouter(prefix="/api")
    router.add_api_route("/flows", flows, methods=["GET"])
    router.add_api_route("/flows/{flow_id:path}", flow, methods=["GET"])
    router.add_api_route("/events", events, methods=["GET"])
    router.add_api_route("/events/latest", latest_events, methods=["GET"])
    router.add_api_route("/happenings", happenings, methods=["GET"])
    return router


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


def _happening_json(one: Happening) -> Mapping[str, Any]:
    return {
        "kind": one.kind.value,
        "service": one.service,
        "id": one.event_id,
        "source": one.source,
        "type": one.type,
        "flow": one.flow_id,
        "at": one.at.isoformat(),
        "record": str(one.coordinates),
        "origin": str(one.origin),
        "attempt": one.attempt,
        "due": one.due.isoformat() if one.due is not None else None,
        "error": one.error_class,
        "message": one.message,
        "operation": one.operation,
    }
