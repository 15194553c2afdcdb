"""Api: what the index knows, as JSON for tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from farandole.http.page import numbered_page_of
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from farandole_console.asked_flows import asked_flow, asked_flows
from farandole_console.causation import tree
from farandole_console.flow import Flow
from farandole_console.index import Index
from farandole_console.indexed_event import IndexedEvent


def api(index: Index) -> APIRouter:
    """Return the routes."""

    async def flows(request: Request) -> Response:
        page, following = await asked_flows(index, request.query_params)
        return JSONResponse({"flows": [_flow_json(one) for one in page], "next": following})

    async def flow(flow_id: str) -> Response:
        found, its = await asked_flow(index, flow_id)
        branches = [{"depth": one.depth, **_event_json(one.event)} for one in tree(its)]
        return JSONResponse({**_flow_json(found), "tree": branches})

    async def events(request: Request) -> Response:
        asked = numbered_page_of(request.query_params)
        page = await index.events(after=asked.after, limit=asked.limit)
        return JSONResponse(
            {"events": [_event_json(one) for one in page], "next": page[-1].seq if page else asked.after}
        )

    router = APIRouter(prefix="/api")
    router.add_api_route("/flows", flows, methods=["GET"])
    router.add_api_route("/flows/{flow_id:path}", flow, methods=["GET"])
    router.add_api_route("/events", events, methods=["GET"])
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
