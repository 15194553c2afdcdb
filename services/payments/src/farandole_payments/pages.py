"""Pages: the payments over HTTP, for audits and for people. Read only."""

from __future__ import annotations

from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from farandole_payments.book import PaymentBook
from farandole_payments.payment import Payment
from farandole_payments.service import service

USUAL_PAGE: Final = 100
LARGEST_PAGE: Final = 1000


@service.http
def create_app(book: PaymentBook) -> ASGIApp:
    """Return the application that shows payments."""

    async def page(request: Request) -> Response:
        limit = _limit(request.query_params.get("limit", str(USUAL_PAGE)))
        if limit is None:
            return JSONResponse({"error": "limit", "reason": f"limit is a number from 1 to {LARGEST_PAGE}"}, 422)
        payments = await book.page(after=request.query_params.get("after", ""), limit=limit)
        following = payments[-1].order_id if len(payments) == limit else None
        return JSONResponse({"payments": [_shown(one) for one in payments], "next": following})

    async def one(request: Request) -> Response:
        payment = await book.find(request.path_params["order_id"])
        if payment is None:
            return JSONResponse({"error": "not_found", "reason": "no payment of this order is known"}, 404)
        return JSONResponse(_shown(payment))

    return Starlette(routes=[Route("/payments", page), Route("/payments/{order_id}", one)])


def _limit(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_PAGE))):
        return None
    return int(text) if 1 <= int(text) <= LARGEST_PAGE else None


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
