"""Flow: one flow as a tree, each event below the one that caused it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from farandole_console.asked_flows import asked_flow
from farandole_console.causation import tree
from farandole_console.frame.frame import Frame
from farandole_console.index import MOST_SHOWN, Index


def flow_page(frame: Frame, index: Index) -> APIRouter:
    """Return the routes of the page."""

    async def show(request: Request, flow_id: str) -> Response:
        flow, events = await asked_flow(index, flow_id)
        return frame.page(request, "flow/flow.html", flow=flow, branches=tree(events), cut=len(events) == MOST_SHOWN)

    router = APIRouter()
    router.add_api_route("/flows/{flow_id:path}", show, methods=["GET"])
    return router
