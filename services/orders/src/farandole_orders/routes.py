"""Routes: the HTTP interface of the order service."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from farandole_orders.acceptance import Acceptance
from farandole_orders.answers import Accepted, CancellationAccepted, OrderInFull, OrderPage, Problem, Summary
from farandole_orders.cancellation import CancellationDesk
from farandole_orders.client import Clients
from farandole_orders.idempotency import Answer, KeyedRequest, KeyName, fingerprint_of
from farandole_orders.links import page_of
from farandole_orders.listing import Listing
from farandole_orders.refusal import no_such_order
from farandole_orders.request import CancellationBody, OrderRequest
from farandole_orders.standing import Status

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by you, one a request: sent again with the same body, it gets the same answer.",
    ),
]
LAST_SEQ = 2**63 - 1


def _told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem} for status in statuses}


def create_router(*, acceptance: Acceptance, desk: CancellationDesk, listing: Listing, clients: Clients) -> APIRouter:
    """Return the routes, in front of those who do the work."""
    router = APIRouter(tags=["orders"])

    async def keyed(request: Request, key: str) -> KeyedRequest:
        client = clients.of(request.scope)
        name = KeyName(scope=f"{client.account}:{request.url.path}", key=key)
        return KeyedRequest(name=name, fingerprint=fingerprint_of(await request.body()))

    @router.post(
        "/orders",
        status_code=202,
        response_class=Response,
        responses={202: {"model": Accepted}, **_told(400, 409, 413, 422, 429)},
    )
    async def place_order(order: OrderRequest, key: IdempotencyKey, request: Request) -> Response:
        """Place an order. It is answered once it is stored; what becomes of it is told by its page."""
        answer = await acceptance.place(order, await keyed(request, key))
        return _answered(answer)

    @router.get("/orders", response_class=Response, responses={200: {"model": OrderPage}, **_told(422, 429)})
    async def list_orders(
        status: Status | None = None,
        after: Annotated[int, Query(ge=0, le=LAST_SEQ, description="The ``after`` of the page before.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """List orders in the order of their acceptance, a page at a time."""
        return _json(await listing.page(status=status, after=after, limit=limit))

    @router.get("/orders/summary", response_class=Response, responses={200: {"model": Summary}, **_told(429)})
    async def summarise_orders() -> Response:
        """Count the orders by status."""
        return _json(await listing.summary())

    @router.get(
        "/orders/{order_id}", response_class=Response, responses={200: {"model": OrderInFull}, **_told(404, 429)}
    )
    async def show_order(order_id: str) -> Response:
        """Show an order, where it stands and how it came there."""
        return _json(await listing.order(_an_id(order_id)))

    @router.post(
        "/orders/{order_id}/cancellation",
        status_code=202,
        response_class=Response,
        responses={202: {"model": CancellationAccepted}, **_told(400, 404, 409, 413, 422, 429)},
    )
    async def request_cancellation(
        order_id: str, key: IdempotencyKey, request: Request, body: CancellationBody | None = None
    ) -> Response:
        """Ask for an order to be cancelled. The warehouse decides whether it still can be."""
        wish = body or CancellationBody()
        return _answered(await desk.request(_an_id(order_id), wish, await keyed(request, key)))

    return router


def _an_id(text: str) -> str:
    """Read an order id; whatever is none names no order."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise no_such_order() from None


def _answered(answer: Answer) -> Response:
    headers = {"Location": page_of(msgspec.json.decode(answer.body)["order_id"])}
    if answer.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(answer.body, answer.status, headers=headers, media_type="application/json")


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
