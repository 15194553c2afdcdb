"""Place: turns a validated request into the order that it is: its id, its amounts, its event, its row."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from farandole.envelope import rfc3339
from farandole.identity import derived_id
from farandole_events import Address, OrderLine, OrderPlaced

from farandole_orders.money import line_total
from farandole_orders.request import LineRequest, OrderRequest
from farandole_orders.standing import Status


def placed_event(request: OrderRequest, *, order_id: str, now: datetime) -> OrderPlaced:
    """Return the event of an order; an order without a date was placed now."""
    lines = tuple(_line(line) for line in request.lines)
    ship_to = request.ship_to
    return OrderPlaced(
        order_id=order_id,
        customer_id=request.customer_id,
        reference=request.reference,
        order_date=request.order_date or now,
        required_date=request.required_date,
        lines=lines,
        freight_cents=request.freight_cents,
        total_cents=sum(line.total_cents for line in lines) + request.freight_cents,
        currency=request.currency,
        ship_to=Address(
            name=ship_to.name,
            street=ship_to.street,
            city=ship_to.city,
            region=ship_to.region,
            postal_code=ship_to.postal_code,
            country=ship_to.country,
        ),
        carrier=request.carrier,
        payment_token=request.payment_token,
    )


def new_order_id() -> str:
    """Return an id that nobody can guess and that says nothing about the client."""
    return str(uuid.uuid4())


def placed_event_id(order_id: str) -> str:
    """Return the id of an order's OrderPlaced, which is also the id of its flow."""
    return derived_id("order-placed", order_id)


def order_row(placed: OrderPlaced, *, now: datetime) -> dict[str, Any]:
    """Return the row of a new order."""
    return {
        "order_id": placed.order_id,
        "reference": placed.reference,
        "customer_id": placed.customer_id,
        "total_cents": placed.total_cents,
        "currency": placed.currency,
        "document": json.dumps(_document(placed)),
        "flow": placed_event_id(placed.order_id),
        "status": Status.PLACED,
        "delivered": False,
        "invoiced": False,
        "placed_at": now,
        "updated_at": now,
    }


def _line(line: LineRequest) -> OrderLine:
    return OrderLine(
        product_id=line.product_id,
        product_name=line.product_name,
        quantity=line.quantity,
        unit_price_cents=line.unit_price_cents,
        discount_basis_points=line.discount_basis_points,
        total_cents=line_total(
            unit_price_cents=line.unit_price_cents,
            quantity=line.quantity,
            discount_basis_points=line.discount_basis_points,
        ),
    )


def _document(placed: OrderPlaced) -> dict[str, Any]:
    return {
        "order_date": rfc3339(placed.order_date),
        "required_date": rfc3339(placed.required_date) if placed.required_date else None,
        "lines": [
            {
                "product_id": line.product_id,
                "product_name": line.product_name,
                "quantity": line.quantity,
                "unit_price_cents": line.unit_price_cents,
                "discount_basis_points": line.discount_basis_points,
                "total_cents": line.total_cents,
            }
            for line in placed.lines
        ],
        "freight_cents": placed.freight_cents,
        "ship_to": {
            "name": placed.ship_to.name,
            "street": placed.ship_to.street,
            "city": placed.ship_to.city,
            "region": placed.ship_to.region,
            "postal_code": placed.ship_to.postal_code,
            "country": placed.ship_to.country,
        },
        "carrier": placed.carrier,
    }
