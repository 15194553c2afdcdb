"""Order rules: every order that was accepted ends once, as its customer, its card and its goods say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from farandole_sandbox.demo.audit.finding import Misfit, doubled, lost, once, unexplained
from farandole_sandbox.demo.books import Books
from farandole_sandbox.demo.shop import Placed

ENDS: Final = {"completed": "OrderCompleted", "cancelled": "OrderCancelled"}
_STOCK_REJECTED: Final = "stock_rejected"
_RETURNED: Final = "returned"


def every_accepted_order_is_placed_once(books: Books) -> Iterable[Misfit]:
    """An order that was answered 202 is one row and one OrderPlaced; nothing else is."""
    rows: dict[str, list[str]] = defaultdict(list)
    for row in books.rows("orders.orders"):
        rows[row["reference"]].append(row["order_id"])
    accepted = {placed.order_id for placed in books.placed}
    for placed in books.placed:
        yield from once(len(books.of(placed.order_id, "OrderPlaced")), 1, f"OrderPlaced of {named(placed)}")
        if placed.order_id not in rows[placed.errand.reference]:
            yield lost(f"{named(placed)} is not in the database of orders")
        mine = [order_id for order_id in rows[placed.errand.reference] if order_id in accepted]
        if len(mine) > 1:
            yield doubled(f"{named(placed)} is there as {', '.join(mine)}")
    known = {row["order_id"] for row in books.rows("orders.orders")}
    for order_id in sorted(books.orders - known):
        yield unexplained(f"OrderPlaced of {order_id}, which is not in the database of orders")
    for order_id in sorted(known - books.orders):
        yield lost(f"OrderPlaced of {order_id}: missing")


def every_order_ends_once(books: Books) -> Iterable[Misfit]:
    """An order that has ended has the one event that says so, and not the other."""
    for row in books.rows("orders.orders"):
        for status, event in ENDS.items():
            wanted = int(row["status"] == status)
            yield from once(len(books.of(row["order_id"], event)), wanted, f"{event} of {row['order_id']}")


def every_fact_is_told_once(books: Books) -> Iterable[Misfit]:
    """No order has two events of a type, but for the stages that are posted and the things that customers are told."""
    told: dict[tuple[str, str, str], int] = defaultdict(int)
    for event in books.events.values():
        if event.order_id is not None:
            part = event.fields.get("stage") or event.fields.get("template") or ""
            told[event.type, event.order_id, part] += 1
    for (name, order_id, part), count in told.items():
        if count > 1:
            yield doubled(f"{name} {part} of {order_id}: {count} times")


def orders_end_as_their_input_says(books: Books) -> Iterable[Misfit]:
    """A refused card cancels, a parcel that comes back cancels, missing goods that nobody makes any more cancel.

    A customer may cancel or be refused. Everything else completes. Which orders get the last units depends on who
    comes first: whether goods were short is held to what was reserved (`only_what_is_gone_is_rejected`).
    """
    rows = {row["order_id"]: row for row in books.rows("orders.orders")}
    came_back = _came_back(books)
    for placed in books.placed:
        row = rows.get(placed.order_id)
        if row is None or row["status"] not in ENDS:
            continue
        if (row["cause"] or "completed") not in _possible_ends(placed, came_back):
            yield unexplained(f"{named(placed)} is {row['status']} ({row['cause']}), which its input does not explain")


def _came_back(books: Books) -> frozenset[str]:
    """Return the orders whose parcels came back by the carriers' own books: a carrier may lose heart unasked, too."""
    return frozenset(one["order_id"] for one in books.webhooks if one["body"].get("type") == _RETURNED)


def _possible_ends(placed: Placed, came_back: frozenset[str]) -> frozenset[str]:
    errand = placed.errand
    ends = {_STOCK_REJECTED} if any(line.product.discontinued for line in errand.order.lines) else set[str]()
    if errand.cancelled:
        ends.add("customer")
    if errand.card.is_refused:
        ends.add("payment_declined")
    elif errand.returned or placed.order_id in came_back:
        ends.add(_RETURNED)
    else:
        ends.add("completed")
    return frozenset(ends)


def only_what_is_gone_is_rejected(books: Books) -> Iterable[Misfit]:
    """Only a discontinued product rejects, and only where too little of it can have been left.

    Whoever asks for more of it than there ever was is not supplied.
    """
    taken = _taken(books)
    for placed in books.placed:
        lines = [line for line in placed.errand.order.lines if line.product.discontinued]
        rejected = books.has(placed.order_id, "StockRejected")
        possible = any(line.quantity > line.product.in_stock - taken[line.product.product_id] for line in lines)
        certain = any(line.quantity > line.product.in_stock for line in lines)
        if rejected and not possible:
            yield unexplained(f"{named(placed)} was rejected although everything it asks for was there")
        if certain and books.has(placed.order_id, "StockReserved"):
            yield unexplained(f"{named(placed)} was supplied with more than there ever was")


def _taken(books: Books) -> Mapping[str, int]:
    """Return how many units of each product were ever reserved, or waited for by orders that were never supplied."""
    taken: dict[str, int] = defaultdict(int)
    for line in books.rows("inventory.reservation_lines"):
        taken[line["product_id"]] += line["quantity"]
    return taken


def refused_cards_get_nothing(books: Books) -> Iterable[Misfit]:
    """An order whose card is refused is neither packed nor sent nor paid nor invoiced."""
    for placed in books.placed:
        if not placed.errand.card.is_refused:
            continue
        for kind in ("hold", "package", "shipment"):
            if books.done(kind, placed.order_id):
                yield unexplained(f"{named(placed)} has a {kind} although its card is refused")
        if books.has(placed.order_id, "InvoiceIssued"):
            yield unexplained(f"{named(placed)} has an invoice although its card is refused")


def amounts_are_right(books: Books) -> Iterable[Misfit]:
    """The total of every order is what its lines cost, rounded half to even a line, and the freight."""
    for placed in books.placed:
        wanted = total_cents(placed)
        for event in books.of(placed.order_id, "OrderPlaced", "PaymentAuthorised", "PaymentCaptured", "InvoiceIssued"):
            said = event.fields.get("total_cents", event.fields.get("amount_cents"))
            if said != wanted:
                yield unexplained(f"{event} says {said} cents where the order costs {wanted}")


def total_cents(placed: Placed) -> int:
    """Return what an order costs."""
    order = placed.errand.order
    return order.freight_cents + sum(
        _half_even(line.unit_price_cents * line.quantity * (10_000 - line.discount_basis_points), 10_000)
        for line in order.lines
    )


def _half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def named(placed: Placed) -> str:
    """Name an order as its shop and as the mesh know it."""
    return f"order {placed.errand.reference} ({placed.order_id})"
