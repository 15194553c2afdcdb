"""Orders, and deliveries of them, for the tests of analytics."""

from __future__ import annotations

from datetime import UTC, datetime

from farandole import Coordinates, Delivery, Envelope
from farandole.delivery import Record
from farandole.envelope import rfc3339
from farandole_events.orders import OrderPlaced
from farandole_events.types import Address, OrderLine

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def order(number: int = 1, *, country: str = "France", currency: str = "USD", lines=((("11", 2, 500)),)) -> OrderPlaced:
    """Return an order of lines (product, units, cents), with freight of 100 cents."""
    return OrderPlaced(
        order_id=f"order-{number}",
        customer_id="VINET",
        reference=str(number),
        order_date=NOON,
        lines=tuple(
            OrderLine(product_id=product, product_name=product, quantity=units, unit_price_cents=1, total_cents=cents)
            for product, units, cents in lines
        ),
        freight_cents=100,
        total_cents=100 + sum(cents for _, _, cents in lines),
        currency=currency,
        ship_to=Address(name="Vins", street="59 rue de l'Abbaye", city="Reims", country=country),
        carrier="Federal Shipping",
        payment_token="tok_good",
    )


def delivery(
    event_id: str = "event-1",
    *,
    time: str | datetime = NOON,
    appended: datetime = NOON,
    partition: int = 0,
    source: str = "orders",
) -> Delivery:
    """Return a delivery with this envelope; what it carries is not looked at."""
    coordinates = Coordinates(topic="orders", partition=partition, offset=0)
    return Delivery(
        record=Record(coordinates=coordinates, key=b"", value=b"", headers=(), appended=appended),
        envelope=Envelope(
            id=event_id,
            type=OrderPlaced.avro.fullname,
            source=source,
            subject="order-1",
            time=time if isinstance(time, str) else rfc3339(time),
            correlation_id=event_id,
        ),
        service="analytics",
        origin=coordinates,
    )
