"""The HTTP side of shipping: the carriers' webhook, and the shipments for whoever audits."""

from __future__ import annotations

from typing import Final

import msgspec
from farandole import Clock, Store
from farandole.webhooks import WebhookRefusedError, secrets_from, verify
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farandole_shipping.carrier_message import CarrierMessage
from farandole_shipping.desk import Answer, Desk
from farandole_shipping.page import PageError, page_of
from farandole_shipping.settings import ShippingSettings
from farandole_shipping.tables import shipments

MOST_BODY_BYTES: Final = 64 * 1024
# Unknown may mean "not yet": the carrier was faster than our own commit. It comes again after anything but 2xx.
STATUS: Final = {Answer.TAKEN: 202, Answer.TAKEN_BEFORE: 200, Answer.UNKNOWN: 404, Answer.CONTRADICTION: 409}


class Api:
    """The routes of shipping."""

    def __init__(self, store: Store, desk: Desk, settings: ShippingSettings, clock: Clock) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._secrets = secrets_from(settings.webhook_secret.get_secret_value())

    async def webhook(self, request: Request) -> Response:
        """Take a carrier's message. A 2xx means that it is durable; anything else, and the carrier sends it again."""
        body = await _body(request)
        if body is None:
            return _refusal(413, "too_large", f"a message has {MOST_BODY_BYTES} bytes at most")
        try:
            sender_id = verify(request.headers, body, secrets=self._secrets, now=self._clock.now())
            message = msgspec.json.decode(body, type=CarrierMessage)
        except WebhookRefusedError as refused:
            return _refusal(401, "not_believed", refused.reason)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _refusal(400, "bad_request", str(error))
        answer = await self._desk.take(message, sender_id)
        return JSONResponse({"status": answer.value}, status_code=STATUS[answer])

    async def list_shipments(self, request: Request) -> Response:
        """List shipments by order id, ``limit`` after ``after``; ``next`` is the ``after`` of the next page."""
        try:
            page = page_of(request.query_params)
        except PageError as error:
            return _refusal(400, "bad_request", str(error))
        own = shipments.c.order_id
        statement = select(shipments).where(own > page.after).order_by(own).limit(page.limit)
        async with self._store.reading() as work:
            rows = (await work.execute(statement)).mappings().all()
        shown = [{**row, "dispatched_at": row["dispatched_at"].isoformat()} for row in rows]
        following = rows[-1]["order_id"] if len(rows) == page.limit else None
        return JSONResponse({"shipments": shown, "next": following})


def create_app(store: Store, desk: Desk, settings: ShippingSettings, clock: Clock) -> Starlette:
    """Return the application; needs a webhook secret, because a message that nobody signed could come from anybody."""
    api = Api(store, desk, settings, clock)
    return Starlette(
        routes=[
            Route("/webhooks/carrier", api.webhook, methods=["POST"]),
            Route("/shipments", api.list_shipments),
        ]
    )


async def _body(request: Request) -> bytes | None:
    """Return the body, or None where it is too large; whatever its header says, no more is read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            return None
    return bytes(body)


def _refusal(status: int, error: str, reason: str) -> Response:
    return JSONResponse({"error": error, "reason": reason}, status_code=status)
