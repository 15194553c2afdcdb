"""Queued: OrderPlaced events made of the Northwind orders, as they lie in the topic when the outage begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final

from farandole.codec import Codec
from farandole.engine.ports import Message
from farandole.envelope import Envelope, rfc3339
from farandole.identity import derived_id
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole_events import CATALOGUE, Address, OrderLine, OrderPlaced

from farandole_sandbox.demo import northwind
from farandole_sandbox.demo.errand import Card, Errand, errands
from farandole_sandbox.demo.northwind import Line

_AT_ONCE: Final = 1_000
_SOURCE: Final = "orders"


async def queue_orders(bootstrap: str, count: int) -> None:
    """Publish so many orders and return when all of them are acknowledged. Raises BrokerUnavailableError."""
    codec = Codec(CATALOGUE)
    publisher = KafkaPublisher(Connection(bootstrap=bootstrap, client_id="farandole-storm"))
    waiting = [message_of(placed_order(errand), codec) for errand in errands(northwind.orders(), count)]
    try:
        for first in range(0, count, _AT_ONCE):
            await publisher.publish(waiting[first : first + _AT_ONCE])
    finally:
        await publisher.close()


def order_ids(count: int) -> Iterator[str]:
    """Return the ids of the orders that are queued: the same in every run."""
    return (order_id_of(errand) for errand in errands(northwind.orders(), count))


def order_id_of(errand: Errand) -> str:
    """Return the id of the order of an errand."""
    return derived_id("storm", errand.reference)


def placed_order(errand: Errand) -> OrderPlaced:
    """Return the event of an errand's order. Some cards are declined, as in life."""
    order, ship_to = errand.order, errand.order.ship_to
    lines = tuple(_line(line) for line in order.lines)
    return OrderPlaced(
        order_id=order_id_of(errand),
        customer_id=order.customer_id,
        reference=errand.reference,
        order_date=datetime.fromisoformat(order.ordered),
        lines=lines,
        freight_cents=order.freight_cents,
        total_cents=sum(line.total_cents for line in lines) + order.freight_cents,
        currency="USD",
        ship_to=Address(
            name=ship_to.name,
            street=ship_to.street,
            city=ship_to.city,
            region=ship_to.region,
            postal_code=ship_to.postal_code,
            country=ship_to.country,
        ),
        carrier=order.carrier,
        payment_token=(Card.DECLINED if errand.card.is_refused else Card.GOOD).value,
    )


def message_of(order: OrderPlaced, codec: Codec) -> Message:
    """Return the record of an order as the order service publishes it."""
    event_id = derived_id("order-placed", order.order_id)
    envelope = Envelope(
        id=event_id,
        type=order.avro.fullname,
        source=_SOURCE,
        subject=order.key,
        time=rfc3339(datetime.now(UTC)),
        correlation_id=event_id,
    )
    return Message(
        topic=order.avro.topic, key=order.key.encode(), value=codec.encode(order), headers=envelope.headers()
    )


def _line(line: Line) -> OrderLine:
    return OrderLine(
        product_id=line.product.product_id,
        product_name=line.product.name,
        quantity=line.quantity,
        unit_price_cents=line.unit_price_cents,
        discount_basis_points=line.discount_basis_points,
        total_cents=round(line.unit_price_cents * line.quantity * (1 - Fraction(line.discount_basis_points, 10_000))),
    )
