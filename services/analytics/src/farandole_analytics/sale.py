"""Sale: what one placed order adds to the figures of one minute."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from farandole import Delivery
from farandole_events.orders import OrderPlaced

from farandole_analytics.figures import By, Figures, Parts, Slice

MARK_BYTES: Final = 12
"""96 bits of a hash: two of a billion ids are alike with a chance of one in 10¹¹."""
ONE_ORDER: Final = Figures(orders=1, units=0, revenue_cents=0)
AHEAD_AT_MOST: Final = timedelta(minutes=5)
_MINUTE: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sale:
    """One placed order. ``mark`` stands for the event's id, ``minute`` counts minutes since 1970, in UTC."""

    mark: bytes
    minute: int
    parts: Parts


def sale_of(order: OrderPlaced, delivery: Delivery) -> Sale:
    """Return the sale that a delivery of an order is."""
    return Sale(
        mark=mark_of(source=delivery.envelope.source, event_id=delivery.event_id),
        minute=minute_of(event_time(delivery)),
        parts=parts_of(order),
    )


def parts_of(order: OrderPlaced) -> Parts:
    """Return what an order adds to which slices: a product earns its lines, a country and the total the whole order.

    An order counts once for each of its products, however many lines name it.
    """
    units = sum(line.quantity for line in order.lines)
    whole = Figures(orders=1, units=units, revenue_cents=order.total_cents)
    parts: dict[Slice, Figures] = {
        Slice(by=By.TOTAL, name="", currency=order.currency): whole,
        Slice(by=By.COUNTRY, name=order.ship_to.country, currency=order.currency): whole,
    }
    for line in order.lines:
        product = Slice(by=By.PRODUCT, name=line.product_id, currency=order.currency)
        earned = Figures(orders=0, units=line.quantity, revenue_cents=line.total_cents)
        parts[product] = parts.get(product, ONE_ORDER) + earned
    return parts


def event_time(delivery: Delivery) -> datetime:
    """Return when the event happened: its sender's word, unless that is no moment or lies ahead of the broker's."""
    appended = delivery.record.appended
    try:
        said = datetime.fromisoformat(delivery.envelope.time)
    except ValueError:
        return appended
    if said.tzinfo is None or said > appended + AHEAD_AT_MOST:
        return appended
    return said


def minute_of(moment: datetime) -> int:
    """Return the minute of a moment, counted from 1970 in UTC."""
    return (moment - _EPOCH) // _MINUTE


def begin_of(minute: int) -> datetime:
    """Return the moment at which a minute begins."""
    return _EPOCH + minute * _MINUTE


def mark_of(*, source: str, event_id: str) -> bytes:
    """Return what is remembered of an event's id."""
    return hashlib.blake2b(f"{source}\x1f{event_id}".encode(), digest_size=MARK_BYTES).digest()
