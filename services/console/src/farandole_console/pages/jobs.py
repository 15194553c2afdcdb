"""Jobs: what operators do to the mesh now, what they did, and how far each of it is."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from farandole_console.frame.frame import Frame
from farandole_console.live.gatherer import Gatherer

SHOWN: Final = 100


def jobs_page(frame: Frame, gatherer: Gatherer) -> APIRouter:
    """Return the routes of the pages."""

    async def show_all(request: Request) -> Response:
        sight = gatherer.sight
        return frame.page(
            request,
            "jobs/jobs.html",
            sight=sight,
            running=[one for one in sight.courses if not one.stage.is_over],
            over=[one for one in sight.courses if one.stage.is_over][:SHOWN],
        )

    async def show(request: Request, job: str) -> Response:
        found = next((one for one in gatherer.sight.courses if one.operation.id == job), None)
        if found is None:
            raise HTTPException(404, "no such job is in the audit topic, as far as it was read")
        return frame.page(request, "jobs/job.html", sight=gatherer.sight, job=found)

    router = APIRouter()
    router.add_api_route("/jobs", show_all, methods=["GET"])
    router.add_api_route("/jobs/{job}", show, methods=["GET"])
    return router
