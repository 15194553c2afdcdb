"""Topology: who hears and who writes what, with the rates and the lag of now."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from farandole_console.frame.frame import Frame
from farandole_console.live.declared import Declarations
from farandole_console.live.gatherer import Gatherer
from farandole_console.live.graph import edges, picture


def topology_page(frame: Frame, gatherer: Gatherer, declarations: Declarations) -> APIRouter:
    """Return the routes of the page."""

    async def show(request: Request) -> Response:
        sight = gatherer.sight
        found = edges(sight, declarations.services)
        breakers = {
            handler.topic + "|" + service.name: sight.breakers[name]
            for service in declarations.services
            for handler in service.handlers
            for name in handler.depends_on
            if name in sight.breakers
        }
        return frame.page(
            request,
            "topology/topology.html",
            sight=sight,
            edges=found,
            breakers=breakers,
            picture=picture(found, sight),
            known=bool(declarations.services),
        )

    router = APIRouter()
    router.add_api_route("/topology", show, methods=["GET"])
    return router
