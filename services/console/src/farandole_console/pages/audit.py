"""Audit: everything that was done to the mesh, by whom and why; searched by any word of it."""

from __future__ import annotations

from typing import Final

from farandole.http.page import text_of
from farandole.operations import Course
from fastapi import APIRouter, Request, Response

from farandole_console.frame.frame import Frame
from farandole_console.live.gatherer import Gatherer

SHOWN: Final = 200
LONGEST: Final = 200


def audit_page(frame: Frame, gatherer: Gatherer) -> APIRouter:
    """Return the routes of the page."""

    async def show(request: Request) -> Response:
        sight = gatherer.sight
        words = text_of(request.query_params, "words")[:LONGEST].lower().split()
        kind, service = text_of(request.query_params, "kind"), text_of(request.query_params, "service")
        found = [
            one
            for one in sight.courses
            if kind in {"", one.operation.kind} and service in {"", one.operation.service} and _says(one, words)
        ]
        return frame.page(
            request,
            "audit/audit.html",
            sight=sight,
            found=found[:SHOWN],
            count=len(found),
            kinds=sorted({one.operation.kind for one in sight.courses}),
            services=sorted({one.operation.service for one in sight.courses}),
        )

    router = APIRouter()
    router.add_api_route("/audit", show, methods=["GET"])
    return router


def _says(course: Course, words: list[str]) -> bool:
    one = course.operation
    text = f"{one.id} {one.kind} {one.service} {one.who} {one.claimed} {one.why} {one.command} {course.stage.value}"
    return all(word in text.lower() for word in words)
