"""The HTTP side of shipping: the carriers' webhook, and the shipments for whoever audits."""

from __future__ import annotations

from typing import Final

from farandole import Clock, Store
from farandole.http.page import page_of
from farandole.http.refusal import REFUSALS
from farandole.http.signed_message import read_signed
from farandole.webhooks import secrets_from
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farandole_shipping.carrier_message import CarrierMessage
from farandole_shipping.desk import Answer, Desk
from farandole_shipping.settings import ShippingSettings
from farandole_shipping.tables import shipments

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
        message = await read_signed(request, CarrierMessage, secrets=self._secrets, clock=self._clock)
        answer = await self._desk.take(message.said, message.sender_id)
        return JSONResponse({"status": answer.value}, status_code=STATUS[answer])

    async def list_shipments(self, request: Request) -> Response:
        """List shipments by order id, ``limit`` after ``after``; ``next`` is the ``after`` of the next page."""
        page = page_of(request.query_params)
        own = shipments.c.order_id
        statement = select(shipments).where(own > page.after).order_by(own).limit(page.limit)
        async with self._store.reading() as work:
            rows = (await work.execute(statement)).mappings().all()
        shown = [{**row, "dispatched_at": row["dispatched_at"].isoformat()} for row in rows]
        following = page.following(rows, lambda row: str(row["order_id"]))
        return JSONResponse({"shipments": shown, "next": following})


def create_app(store: Store, desk: Desk, settings: ShippingSettings, clock: Clock) -> Starlette:
    """Return the application; needs a webhook secret, because a message that nobody signed could come from anybody."""
    api = Api(store, desk, settings, clock)
    return Starlette(
        routes=[
            Route("/webhooks/carrier", api.webhook, methods=["POST"]),
            Route("/shipments", api.list_shipments),
        ],
        exception_handlers=REFUSALS,
    )
