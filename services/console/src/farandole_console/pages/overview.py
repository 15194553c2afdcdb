"""Overview: whether the mesh is well, at a glance."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from farandole_console.dead_letters.boards import Boards
from farandole_console.frame.frame import Frame
from farandole_console.live.gatherer import Gatherer
from farandole_console.promises.promises import Promises


def overview_page(frame: Frame, gatherer: Gatherer, boards: Boards, promises: Promises) -> APIRouter:
    """Return the routes of the page."""

    async def show(request: Request) -> Response:
        sight = gatherer.sight
        return frame.page(
            request,
            "overview/overview.html",
            sight=sight,
            letters=boards.open,
            stuck=await promises.how_many_are_stuck(),
            lag=sum(one.lag for one in sight.groups.values()),
            not_closed={name: one for name, one in sight.breakers.items() if one.phase != "closed"},
            running=[one for one in sight.courses if not one.stage.is_over],
            pace=[[round(at), round(rate, 2)] for at, rate in sight.pace],
        )

    router = APIRouter()
    router.add_api_route("/", show, methods=["GET"])
    return router
