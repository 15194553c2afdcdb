"""Sales rules: the figures of a minute are sums of the orders that were placed in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from farandole_sandbox.demo.audit.figure import FIGURES, slice_of
from farandole_sandbox.demo.audit.finding import Misfit, doubled, unexplained
from farandole_sandbox.demo.books import Books
from farandole_sandbox.demo.record import Record

Slice = tuple[str, str, str]
_MINUTE = len("2026-11-23T12:30")


def figures_are_sums_of_orders(books: Books) -> Iterable[Misfit]:
    """No figure counts an order twice, and one that counts all of them has all of their units and revenue.

    A figure that counts fewer was told before the last order of its minute came: another one follows.
    """
    sums = _sums(books.of_type("OrderPlaced"))
    for event in books.of_type(FIGURES):
        orders, units, revenue = sums.get((event.fields["window"], *slice_of(event)), (0, 0, 0))
        if event.fields["orders"] > orders:
            yield doubled(f"{event} counts {event.fields['orders']} orders where {orders} were placed")
        said = event.fields["units"], event.fields["revenue_cents"]
        if event.fields["orders"] == orders and said != (units, revenue):
            yield unexplained(f"{event} says {said} units and cents where the orders make {(units, revenue)}")


def _sums(placed: Iterable[Record]) -> Mapping[Slice, tuple[int, int, int]]:
    found: dict[Slice, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for order in placed:
        window, lines = f"{order.time[:_MINUTE]}Z", order.fields["lines"]
        units, total = sum(line["quantity"] for line in lines), order.fields["total_cents"]
        _add(found, (window, "total", ""), units, total)
        _add(found, (window, "country", order.fields["ship_to"]["country"]), units, total)
        for line in lines:
            _add(found, (window, "product", line["product_id"]), line["quantity"], line["total_cents"])
    return found


def _add(found: dict[Slice, tuple[int, int, int]], part: Slice, units: int, cents: int) -> None:
    orders, before, earned = found[part]
    found[part] = orders + 1, before + units, earned + cents
