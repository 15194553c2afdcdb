"""Figures: what is counted, and of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class By(StrEnum):
    """What sales are counted by."""

    TOTAL = "total"
    PRODUCT = "product"
    COUNTRY = "country"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Slice:
    """The sales of one product or country, or all of them (``name`` is then empty), in one currency."""

    by: By
    name: str
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Orders placed, units ordered, and revenue in minor units."""

    orders: int
    units: int
    revenue_cents: int

    def __add__(self, other: Figures) -> Figures:
        """Return the figures of both."""
        return Figures(
            orders=self.orders + other.orders,
            units=self.units + other.units,
            revenue_cents=self.revenue_cents + other.revenue_cents,
        )


NOTHING = Figures(orders=0, units=0, revenue_cents=0)
Parts = Mapping[Slice, Figures]


def together(some: Parts, more: Parts) -> dict[Slice, Figures]:
    """Return the sum of both, slice by slice."""
    summed = dict(some)
    for part, figures in more.items():
        summed[part] = summed.get(part, NOTHING) + figures
    return summed
