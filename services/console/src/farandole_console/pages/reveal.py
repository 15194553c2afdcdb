"""Reveal: what is personal in one record, for an operator who says why; the audit topic knows of it first."""

from __future__ import annotations

from typing import Any

from farandole import headers as names
from farandole.delivery import Coordinates, Record
from farandole.flow.reading import service_of_private
from farandole.http.page import text_of
from farandole.operations import recorded
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from farandole_console.access.form import form_of
from farandole_console.acting.action import Action
from farandole_console.acting.actor import Actor
from farandole_console.acting.mesh import Mesh
from farandole_console.frame.frame import Frame
from farandole_console.payloads.payloads import Payloads
from farandole_console.payloads.place import place_of, written

PATH = "/reveal"
RECORD = "record"


def reveal_page(frame: Frame, actor: Actor, mesh: Mesh, payloads: Payloads) -> APIRouter:
    """Return the routes of the page. What it reveals is the answer to a form, and in no address."""

    async def found(at: Coordinates) -> Record:
        record = await payloads.record(at)
        if record is None:
            raise HTTPException(404, "no such record is there (any more)")
        return record

    def shown(request: Request, at: Coordinates, record: Record, payload: Any, said: str, *, clear: bool) -> Response:
        return frame.page(
            request,
            "reveal/reveal.html",
            at=at,
            event=_header(record, names.ID),
            type=_header(record, names.TYPE),
            payload=payload,
            said=said,
            clear=clear,
            action=revealing(at, event_id=_header(record, names.ID)),
            actor=actor,
        )

    async def ask(request: Request) -> Response:
        at = place_of(text_of(request.query_params, RECORD))
        record = await found(at)
        said = payloads.said(_said(record), record.value, error_class=_header(record, names.ERROR_CLASS))
        return shown(request, at, record, payloads.masked(record.value), said, clear=False)

    async def reveal(request: Request) -> Response:
        at = place_of(form_of(request).get(RECORD, ""))
        action = revealing(at)
        operation = actor.operation(request, action)
        record = await found(at)
        async with mesh.audit() as topic, recorded(topic, operation, details={"record": written(at)}):
            payload = payloads.in_clear(record.value)
        return shown(request, at, record, payload, _said(record), clear=True)

    router = APIRouter()
    router.add_api_route(PATH, ask, methods=["GET"])
    router.add_api_route(PATH, reveal, methods=["POST"])
    return router


def revealing(at: Coordinates, *, event_id: str = "") -> Action:
    """Return the action that shows what is personal in a record."""
    service, place = service_of_private(at.topic), written(at)
    arguments: tuple[str, ...]
    if at.topic.endswith(".dlq"):
        arguments = ("dlq", "show", place, "--service", service, "--pii")
    elif event_id:
        arguments = ("events", "find", "--topic", at.topic, "--id", event_id, "--pii")
    else:
        span = ("--from", str(at.offset), "--to", str(at.offset + 1))
        arguments = ("events", "find", "--topic", at.topic, *span, "--pii")
    return Action(
        kind="reveal",
        service=service,
        what="Show what is personal in this record. Who asked, and why, is kept for ever.",
        arguments=arguments,
        path=PATH,
        button="Show it",
        takes_reason=False,
        fields={RECORD: place},
    )


def _said(record: Record) -> str:
    told = (_header(record, name) for name in (names.ERROR_MESSAGE, names.ERROR_STACK))
    return "\n".join(one for one in told if one)


def _header(record: Record, name: str) -> str:
    return next((value.decode("utf-8", "replace") for at, value in reversed(record.headers) if at == name), "")
