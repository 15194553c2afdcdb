"""The HTTP side of the suppliers service: the suppliers' webhook, and the purchase orders for whoever audits."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from farandole import Clock, Store
from farandole.http.page import page_of
from farandole.http.refusal import REFUSALS
from farandole.http.signed_message import read_signed
from farandole.webhooks import secrets_from
from sqlalchemy import RowMapping, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farandole_suppliers.book import Answer, PurchaseBook
from farandole_suppliers.goods_message import GoodsMessage
from farandole_suppliers.settings import SuppliersSettings
from farandole_suppliers.tables import purchase_orders

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
        message = await read_signed(request, GoodsMessage, secrets=self._secrets, clock=self._clock)
        answer = await self._book.receive(message.said, message.sender_id)
        return JSONResponse({"status": answer.value}, status_code=STATUS[answer])

    async def list_purchase_orders(self, request: Request) -> Response:
        """List purchase orders by shortage id, ``limit`` after ``after``; ``next`` begins the next page."""
        page = page_of(request.query_params)
        own = purchase_orders.c.shortage_id
        statement = select(purchase_orders).where(own > page.after).order_by(own).limit(page.limit)
        async with self._store.reading() as work:
            rows = (await work.execute(statement)).mappings().all()
        following = page.following(rows, lambda row: str(row["shortage_id"]))
        return JSONResponse({"purchase_orders": [_shown(row) for row in rows], "next": following})


def create_app(store: Store, book: PurchaseBook, settings: SuppliersSettings, clock: Clock) -> Starlette:
    """Return the application; needs a webhook secret, because a message that nobody signed could come from anybody."""
    api = Api(store, book, settings, clock)
    return Starlette(
        routes=[
            Route("/webhooks/goods", api.goods, methods=["POST"]),
            Route("/purchase-orders", api.list_purchase_orders),
        ],
        exception_handlers=REFUSALS,
    )


def _shown(row: RowMapping) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
