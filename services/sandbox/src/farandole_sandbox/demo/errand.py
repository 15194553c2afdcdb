"""Errand: what the shop is sent to do with one order, decided beforehand and the same in every run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from farandole_sandbox.demo.northwind import NorthwindOrder

_DECLINED_EVERY: Final = 40
_EXPIRED_EVERY: Final = 90
_UNCAPTURABLE_EVERY: Final = 97
_RETURNED_EVERY: Final = 101
_CANCELLED_EVERY: Final = 60
_TWICE_EVERY: Final = 25
_AT_ONCE_EVERY: Final = 35
_REUSED_EVERY: Final = 75
MALFORMED_EVERY: Final = 20


class Card(StrEnum):
    """How a customer's card behaves; the value is the token that the gateway knows it by."""

    GOOD = "tok_good"
    DECLINED = "tok_declined"
    EXPIRED = "tok_expired"
    UNCAPTURABLE = "tok_capture_fails"

    @property
    def is_refused(self) -> bool:
        """Whether the gateway refuses to hold money on it."""
        return self in {Card.DECLINED, Card.EXPIRED}


class Repeat(StrEnum):
    """How often an order is sent under its one key."""

    ONCE = "once"
    AFTERWARDS = "again afterwards"
    AT_ONCE = "twice at once"


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """One order, how it is paid and sent, and what else is tried beside it.

    ``returned`` names a receiver whose parcels come back. ``reused`` sends another body under the same key,
    ``malformed`` something that is no order.
    """

    number: int
    reference: str
    order: NorthwindOrder
    card: Card
    repeat: Repeat
    returned: bool
    cancelled: bool
    reused: bool
    malformed: bool

    def body(self) -> dict[str, Any]:
        """Return the request that places the order."""
        order, ship_to = self.order, self.order.ship_to
        return {
            "reference": self.reference,
            "customer_id": order.customer_id,
            "order_date": order.ordered,
            "required_date": order.required,
            "lines": [
                {
                    "product_id": line.product.product_id,
                    "product_name": line.product.name,
                    "quantity": line.quantity,
                    "unit_price_cents": line.unit_price_cents,
                    "discount_basis_points": line.discount_basis_points,
                }
                for line in order.lines
            ],
            "freight_cents": order.freight_cents,
            "currency": "USD",
            "ship_to": {
                "name": f"{ship_to.name} (RETURN)" if self.returned else ship_to.name,
                "street": ship_to.street,
                "city": ship_to.city,
                "region": ship_to.region,
                "postal_code": ship_to.postal_code,
                "country": ship_to.country,
            },
            "carrier": order.carrier,
            "payment_token": self.card.value,
        }


def errands(orders: Sequence[NorthwindOrder], count: int) -> Iterator[Errand]:
    """Return ``count`` errands over the orders, in their order; after the last it begins again under new references."""
    for index in range(count):
        order, again = orders[index % len(orders)], index // len(orders)
        yield _errand(index + 1, f"{order.number}-{again + 1}" if again else order.number, order)


def _errand(number: int, reference: str, order: NorthwindOrder) -> Errand:
    return Errand(
        number=number,
        reference=reference,
        order=order,
        card=_card(number),
        repeat=_repeat(number),
        returned=number % _RETURNED_EVERY == 0,
        cancelled=number % _CANCELLED_EVERY == _CANCELLED_EVERY // 2,
        reused=number % _REUSED_EVERY == 0,
        malformed=number % MALFORMED_EVERY == 0,
    )


def _card(number: int) -> Card:
    if number % _DECLINED_EVERY == 0:
        return Card.DECLINED
    if number % _EXPIRED_EVERY == 0:
        return Card.EXPIRED
    return Card.UNCAPTURABLE if number % _UNCAPTURABLE_EVERY == 0 else Card.GOOD


def _repeat(number: int) -> Repeat:
    if number % _TWICE_EVERY == 0:
        return Repeat.AFTERWARDS
    return Repeat.AT_ONCE if number % _AT_ONCE_EVERY == 0 else Repeat.ONCE
