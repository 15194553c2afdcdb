"""Decision: whether an order is supplied at once, waits, or is refused. Pure; the handlers carry it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from farandole_events import OrderLine, StockLine

from farandole_inventory.product import Product

MOST_UNITS: Final = 2**31 - 1
"""As many units as an event can state."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reserve:
    """Every line can be set aside now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backorder:
    """Goods are ``missing`` that will be ordered; the whole order waits for them."""

    missing: tuple[StockLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Refuse:
    """The ``lines`` cannot be supplied, now or later. ``reason`` is for people."""

    reason: str
    lines: tuple[StockLine, ...]


Decision: TypeAlias = Reserve | Backorder | Refuse


def asked_for(lines: Iterable[OrderLine]) -> tuple[StockLine, ...]:
    """Return what an order asks for, each product once, in the order of their ids."""
    units: Counter[str] = Counter()
    for line in lines:
        units[line.product_id] += line.quantity
    return tuple(StockLine(product_id=product_id, quantity=units[product_id]) for product_id in sorted(units))


def flaw(lines: Sequence[OrderLine]) -> str | None:
    """Say what makes an order's lines meaningless, if anything does. A negative quantity would add to the stock."""
    if not lines:
        return "the order has no lines"
    if any(line.quantity < 1 for line in lines):
        return "a line asks for less than one unit"
    if any(line.quantity > MOST_UNITS for line in asked_for(lines)):
        return "the order asks for more units of a product than can be counted"
    return None


def decide(asked: Sequence[StockLine], products: Mapping[str, Product]) -> Decision:
    """Decide about a new order, whose rank is behind every order that waits.

    A discontinued product is sold while it lasts; as it is not reordered, an order that exceeds what is free of it
    is refused at once, however much of the rest is there.
    """
    unknown = tuple(line for line in asked if line.product_id not in products)
    if unknown:
        return Refuse(reason=f"unknown product {_names(unknown)}", lines=unknown)
    missing = tuple(_missing(line, products[line.product_id]) for line in asked)
    short = tuple(line for line in missing if line.quantity > 0)
    gone = tuple(line for line in short if products[line.product_id].discontinued)
    if gone:
        names = ", ".join(products[line.product_id].name for line in gone)
        return Refuse(reason=f"discontinued and not enough left: {names}", lines=gone)
    return Backorder(missing=short) if short else Reserve()


def _missing(line: StockLine, product: Product) -> StockLine:
    return StockLine(product_id=line.product_id, quantity=max(0, line.quantity - max(0, product.free)))


def _names(lines: Iterable[StockLine]) -> str:
    return ", ".join(line.product_id[:64] for line in lines)
