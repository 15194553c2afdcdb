"""Plan: what a storm is asked to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from farandole.errors import UsageError

MOST_ORDERS: Final = 100_000
LONGEST_OUTAGE: Final = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """So many ``orders`` are queued, the gateway is out for ``outage``, then takes ``rate`` calls a second."""

    orders: int
    outage: timedelta
    rate: int

    @property
    def shortest(self) -> timedelta:
        """How long one way takes at the least: the outage, and then every order at the gateway's rate."""
        return self.outage + timedelta(seconds=self.orders / self.rate)


def planned(*, orders: int, outage: timedelta, rate: int) -> Plan:
    """Return the plan of a storm, if there can be such a storm.

    Raises:
        UsageError: a number is out of bounds; the sentence names it.
    """
    if not 1 <= orders <= MOST_ORDERS:
        raise UsageError(f"{orders} orders cannot be queued", do=f"give --orders 1 to {MOST_ORDERS}", code="E510")
    if not timedelta(seconds=1) <= outage <= LONGEST_OUTAGE:
        raise UsageError(
            f"the gateway cannot be out for {outage.total_seconds():g} s", do="give --outage 1s to 30m", code="E511"
        )
    if not 1 <= rate <= MOST_ORDERS:
        raise UsageError(
            f"the gateway cannot take {rate} calls a second", do="give --rate a number from 1", code="E512"
        )
    return Plan(orders=orders, outage=outage, rate=rate)
