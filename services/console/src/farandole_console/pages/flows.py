"""Flows: the flows of the mesh, those that are stuck first, then those that began last."""

from __future__ import annotations

from typing import Final

from farandole.http.page import text_of
from fastapi import APIRouter, Request, Response

from farandole_console.asked_flows import asked_flows
from farandole_console.frame.frame import Frame
from farandole_console.frame.words import link
from farandole_console.index import Index
from farandole_console.promises.promises import Promises

MOST_STUCK: Final = 100


def flows_page(frame: Frame, index: Index, promises: Promises) -> APIRouter:
    """Return the routes of the page."""

    async def show(request: Request) -> Response:
        flows, following = await asked_flows(index, request.query_params)
        key, only_stuck = request.query_params.get("key", ""), text_of(request.query_params, "stuck") == "1"
        further = None if following is None else link("/flows", before=following, key=key)
        is_first = not (key or request.query_params.get("before"))
        stuck = await promises.stuck(limit=MOST_STUCK) if is_first else ()
        return frame.page(
            request,
            "flows/flows.html",
            flows=() if only_stuck else flows,
            key=key,
            further=None if only_stuck else further,
            stuck=stuck,
            only_stuck=only_stuck,
            most_stuck=MOST_STUCK,
        )

    router = APIRouter()
    router.add_api_route("/flows", show, methods=["GET"])
    return router
