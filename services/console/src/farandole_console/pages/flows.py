"""Flows: the flows of the mesh, those that began last first."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from farandole_console.asked_flows import asked_flows
from farandole_console.frame.frame import Frame
from farandole_console.frame.words import link
from farandole_console.index import Index


def flows_page(frame: Frame, index: Index) -> APIRouter:
    """Return the routes of the page."""

    async def show(request: Request) -> Response:
        flows, following = await asked_flows(index, request.query_params)
        key = request.query_params.get("key", "")
        further = None if following is None else link("/flows", before=following, key=key)
        return frame.page(request, "flows/flows.html", flows=flows, key=key, further=further)

    router = APIRouter()
    router.add_api_route("/flows", show, methods=["GET"])
    return router
