"""Schemas: the versions of each event type, what changed between two, and who reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import unified_diff

from farandole import catalogues
from farandole.schema import EventSchema
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from farandole_console.frame.frame import Frame
from farandole_console.live.declared import Declarations


def schemas_page(frame: Frame, declarations: Declarations) -> APIRouter:
    """Return the routes of the pages."""
    versions: dict[str, list[EventSchema]] = {}
    for catalogue in catalogues.discover():
        for one in catalogue.versions:
            versions.setdefault(one.name, []).append(one)
    for several in versions.values():
        several.sort(key=lambda one: one.version)

    async def show_all(request: Request) -> Response:
        return frame.page(
            request, "schemas/schemas.html", versions=dict(sorted(versions.items())), readers=_readers(declarations)
        )

    async def show(request: Request, name: str) -> Response:
        if name not in versions:
            raise HTTPException(404, "no event type of that name is known")
        every = versions[name]
        older = _chosen(every, request.query_params.get("from", ""), every[max(0, len(every) - 2)])
        newer = _chosen(every, request.query_params.get("to", ""), every[-1])
        return frame.page(
            request,
            "schemas/schema.html",
            name=name,
            every=every,
            older=older,
            newer=newer,
            difference=difference(older, newer),
            text=_text(newer),
            readers=_readers(declarations).get(name, ()),
        )

    router = APIRouter()
    router.add_api_route("/schemas", show_all, methods=["GET"])
    router.add_api_route("/schemas/{name}", show, methods=["GET"])
    return router


def difference(older: EventSchema, newer: EventSchema) -> Sequence[str]:
    """Return the lines by which two versions differ, with a few around them."""
    return list(unified_diff(_text(older).splitlines(), _text(newer).splitlines(), lineterm="", n=3))[2:]


def _text(schema: EventSchema) -> str:
    return json.dumps(schema.avsc, indent=2, ensure_ascii=False)


def _chosen(every: Sequence[EventSchema], said: str, usual: EventSchema) -> EventSchema:
    return next((one for one in every if str(one.version) == said), usual)


def _readers(declarations: Declarations) -> Mapping[str, Sequence[str]]:
    found: dict[str, set[str]] = {}
    for service in declarations.services:
        for handler in service.handlers:
            found.setdefault(handler.event, set()).add(service.name)
    return {event: sorted(names) for event, names in found.items()}
