"""Overview: whether the mesh is well, at a glance."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from farandole_console.frame.frame import Frame


def overview_page(frame: Frame) -> APIRouter:
    """Return the routes of the page."""

    async def show(request: Request) -> Response:
        return frame.page(request, "overview/overview.html")

    router = APIRouter()
    router.add_api_route("/", show, methods=["GET"])
    return router
