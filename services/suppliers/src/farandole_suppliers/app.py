"""The HTTP side of the suppliers service: the suppliers' webhook, and the purchase orders for whoever audits."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from farandole import Clock, Store
from farandole.webhooks import WebhookRefusedError, secrets_from, verify
from sqlalchemy import RowMapping, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farandole_suppliers.book import Answer, PurchaseBook
from farandole_suppliers.goods_message import GoodsMessage
from farandole_suppliers.settings import SuppliersSettings
from farandole_suppliers.tables import purchase_orders

MOST_BODY_BYTES: Final = 64 * 1024
MOST_ROWS: Final = 1_000
DEFAULT_ROWS: Final = 100
# Unknown may mean "not yet": the goods were faster than our own commit. The sender comes again after anything but 2xx.
STATUS: Final = {Answer.TAKEN: 202, Answer.TAKEN_BEFORE: 200, Answer.UNKNOWN: 404, Answer.CONTRADICTION: 409}


class Api:
    """The routes of the suppliers service."""

    def __init__(self, store: Store, book: PurchaseBook, settings: SuppliersSettings, clock: Clock) -> None:
        self._store = store
        self._book = book
        self._clock = clock
        self._secrets = secrets_from(settings.webhook_secret.get_secret_value())

    async def goods(self, request: Request) -> Response:
        """Take a supplier's message. A 2xx means that it is durable; anything else, and the supplier sends it again."""
        body = await _body(request)
        if body is None:
            return _refusal(413, "too_large", f"a message has {MOST_BODY_BYTES} bytes at most")
        try:
            sender_id = verify(request.headers, body, secrets=self._secrets, now=self._clock.now())
            message = msgspec.json.decode(body, type=GoodsMessage)
        except WebhookRefusedError as refused:
            return _refusal(401, "not_believed", refused.reason)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _refusal(400, "bad_request", str(error))
        answer = await self._book.receive(message, sender_id)
        return JSONResponse({"status": answer.value}, status_code=STATUS[answer])

    async def list_purchase_orders(self, request: Request) -> Response:
        """List purchase orders by shortage id, ``limit`` after ``after``; ``next`` begins the next page."""
        after, said = request.query_params.get("after", ""), request.query_params.get("limit", str(DEFAULT_ROWS))
        if not (said.isascii() and said.isdigit() and len(said) < 6 and 1 <= int(said) <= MOST_ROWS):
            return _refusal(400, "bad_request", f"limit must be a number from 1 to {MOST_ROWS}")
        own = purchase_orders.c.shortage_id
        page = select(purchase_orders).where(own > after).order_by(own).limit(int(said))
        async with self._store.reading() as work:
            rows = (await work.execute(page)).mappings().all()
        following = rows[-1]["shortage_id"] if len(rows) == int(said) else None
        return JSONResponse({"purchase_orders": [_shown(row) for row in rows], "next": following})


def create_app(store: Store, book: PurchaseBook, settings: SuppliersSettings, clock: Clock) -> Starlette:
    """Return the application; needs a webhook secret, because a message that nobody signed could come from anybody."""
    api = Api(store, book, settings, clock)
    return Starlette(
        routes=[
            Route("/webhooks/goods", api.goods, methods=["POST"]),
            Route("/purchase-orders", api.list_purchase_orders),
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


def _shown(row: RowMapping) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _refusal(status: int, error: str, reason: str) -> Response:
    return JSONResponse({"error": error, "reason": reason}, status_code=status)
