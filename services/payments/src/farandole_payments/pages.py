"""Pages: the payments over HTTP, for audits and for people. Read only."""

from __future__ import annotations

from typing import Any

from farandole.http.page import is_storable, page_of
from farandole.http.refusal import REFUSALS, refusal
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from farandole_payments.book import PaymentBook
from farandole_payments.payment import Payment
from farandole_payments.service import service


@service.http
def create_app(book: PaymentBook) -> ASGIApp:
    """Return the application that shows payments."""

    async def page(request: Request) -> Response:
        asked = page_of(request.query_params)
        payments = await book.page(after=asked.after, limit=asked.limit)
        following = asked.following(payments, lambda last: last.order_id)
        return JSONResponse({"payments": [_shown(one) for one in payments], "next": following})

    async def one(request: Request) -> Response:
        order_id: str = request.path_params["order_id"]
        payment = await book.find(order_id) if is_storable(order_id) else None
        if payment is None:
            return refusal(404, "not_found", "no payment of this order is known")
        return JSONResponse(_shown(payment))

    routes = [Route("/payments", page), Route("/payments/{order_id}", one)]
    return Starlette(routes=routes, exception_handlers=REFUSALS)


def _shown(payment: Payment) -> dict[str, Any]:
    # The bill holds names and addresses: an audit of money has no need of them.
    return {
        "order_id": payment.order_id,
        "state": payment.state,
        "cancelled": payment.cancelled,
        "amount_cents": payment.amount_cents,
        "currency": payment.currency,
        "hold_id": payment.hold_id or None,
        "expires_at": payment.expires_at.isoformat() if payment.expires_at else None,
        "capture_id": payment.capture_id or None,
        "refund_id": payment.refund_id or None,
        "reason": payment.reason or None,
    }
