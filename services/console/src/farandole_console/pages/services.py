"""Services: every service of the mesh, and one service with its handlers, its lag and its retries."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from farandole_console.frame.frame import Frame
from farandole_console.live.declared import Declarations
from farandole_console.live.gatherer import Gatherer


def services_page(frame: Frame, gatherer: Gatherer, declarations: Declarations) -> APIRouter:
    """Return the routes of the pages."""

    async def show_all(request: Request) -> Response:
        sight = gatherer.sight
        names = sorted({*sight.services, *(one.name for one in declarations.services)})
        groups = {name: [one for one in sight.groups.values() if one.service == name] for name in names}
        return frame.page(request, "services/services.html", sight=sight, names=names, groups=groups)

    async def show(request: Request, name: str) -> Response:
        sight = gatherer.sight
        declared = next((one for one in declarations.services if one.name == name), None)
        if declared is None and name not in sight.services:
            raise HTTPException(404, "no service of that name is known")
        needs = {each for one in (declared.handlers if declared else ()) for each in one.depends_on}
        return frame.page(
            request,
            "services/service.html",
            sight=sight,
            name=name,
            declared=declared,
            groups=[one for one in sight.groups.values() if one.service == name],
            private=[one for one in sight.topics.values() if one.owner == name],
            breakers={one: sight.breakers.get(one) for one in sorted(needs)},
        )

    router = APIRouter()
    router.add_api_route("/services", show_all, methods=["GET"])
    router.add_api_route("/services/{name}", show, methods=["GET"])
    return router
