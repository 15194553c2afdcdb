"""Flow: one flow as a tree, each event below the one that caused it, with what became of it and what it waits for."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from farandole_console.frame.frame import Frame
from farandole_console.told_flow import FlowTeller


def flow_page(frame: Frame, teller: FlowTeller) -> APIRouter:
    """Return the routes of the page."""

    async def show(request: Request, flow_id: str) -> Response:
        told = await teller.flow(flow_id)
        return frame.page(request, "flow/flow.html", tree=told.tree, waits=told.waits)

    router = APIRouter()
    router.add_api_route("/flows/{flow_id:path}", show, methods=["GET"])
    return router
