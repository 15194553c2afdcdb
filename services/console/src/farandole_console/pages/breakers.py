"""Breakers: how the outside systems do, as the whole fleet knows it."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from farandole_console.frame.frame import Frame
from farandole_console.live.gatherer import Gatherer


def breakers_page(frame: Frame, gatherer: Gatherer) -> APIRouter:
    """Return the routes of the page."""

    async def show(request: Request) -> Response:
        return frame.page(request, "breakers/breakers.html", sight=gatherer.sight, now=datetime.now(UTC))

    router = APIRouter()
    router.add_api_route("/breakers", show, methods=["GET"])
    return router
