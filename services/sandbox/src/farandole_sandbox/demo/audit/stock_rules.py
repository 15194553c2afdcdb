"""Stock rules: units come from the first stock and from suppliers, and go to orders. None appears, none vanishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from farandole_sandbox.demo.audit.finding import Misfit, once, unexplained
from farandole_sandbox.demo.books import Books
from farandole_sandbox.demo.record import Record

_HOLDS = {"held", "released"}


def stock_is_never_negative(books: Books) -> Iterable[Misfit]:
    """What is left of a product is what was there and came, without what was set aside and not put back."""
    for row in books.rows("inventory.stock"):
        if row["initial"] + row["received"] - row["reserved"] + row["released"] < 0:
            yield unexplained(f"product {row['product_id']} has less than nothing in stock")


def stock_began_as_the_input_says(books: Books) -> Iterable[Misfit]:
    """The first stock is Northwind's."""
    for row in books.rows("inventory.stock"):
        product = books.products.get(row["product_id"])
        if product is None or product.in_stock != row["initial"]:
            yield unexplained(f"product {row['product_id']} began with {row['initial']} units")


def stock_moves_as_events_say(books: Books) -> Iterable[Misfit]:
    """Units reserved, released and received are those of the events, product by product."""
    told = {
        "reserved": units(books.of_type("StockReserved")),
        "released": units(books.of_type("StockReleased")),
        "received": received(books),
    }
    for row in books.rows("inventory.stock"):
        for column, counted in told.items():
            if row[column] != counted.get(row["product_id"], 0):
                yield unexplained(
                    f"product {row['product_id']}: {row[column]} units {column},"
                    f" but events tell of {counted.get(row['product_id'], 0)}"
                )


def stock_moves_as_reservations_say(books: Books) -> Iterable[Misfit]:
    """Units reserved, released and waited for are those of the reservations' lines, product by product."""
    state = {row["order_id"]: row["state"] for row in books.rows("inventory.reservations")}
    reserved, released, waiting = Counter[str](), Counter[str](), Counter[str]()
    for line in books.rows("inventory.reservation_lines"):
        if state.get(line["order_id"]) in _HOLDS:
            reserved[line["product_id"]] += line["quantity"]
        if state.get(line["order_id"]) == "released":
            released[line["product_id"]] += line["quantity"]
    for line in books.rows("inventory.waiting_lines"):
        waiting[line["product_id"]] += line["quantity"]
    for row in books.rows("inventory.stock"):
        for column, counted in (("reserved", reserved), ("released", released), ("waiting", waiting)):
            if row[column] != counted[row["product_id"]]:
                yield unexplained(
                    f"product {row['product_id']}: {row[column]} units {column},"
                    f" but reservations make {counted[row['product_id']]}"
                )


def every_order_is_decided_about_once(books: Books) -> Iterable[Misfit]:
    """Every order has one reservation, whatever its state."""
    found = Counter(row["order_id"] for row in books.rows("inventory.reservations"))
    for order_id in sorted(books.orders | found.keys()):
        yield from once(found[order_id], int(order_id in books.orders), f"the reservation of {order_id}")


def every_shortage_is_supplied_once(books: Books) -> Iterable[Misfit]:
    """Each shortage is told once, ordered once at the supplier, received once, and nothing else is ordered."""
    low = Counter(event.fields["shortage_id"] for event in books.of_type("StockLow"))
    sent = Counter(event.fields["shortage_id"] for event in books.of_type("PurchaseOrderSent"))
    done = Counter(effect.once.partition(":")[2] for effect in books.effects if effect.kind == "purchase_order")
    for shortage_id in sorted(low | sent | done):
        wanted = int(shortage_id in low)
        yield from once(low[shortage_id], 1, f"StockLow of shortage {shortage_id}")
        yield from once(sent[shortage_id], wanted, f"PurchaseOrderSent for shortage {shortage_id}")
        yield from once(done[shortage_id], wanted, f"the supplier's order for shortage {shortage_id}")


def what_was_ordered_is_received(books: Books) -> Iterable[Misfit]:
    """Every purchase order has its goods once, as many as were ordered, and counted once."""
    came = Counter(event.fields["purchase_order_id"] for event in books.of_type("GoodsReceived"))
    counted = Counter(row["purchase_order_id"] for row in books.rows("inventory.goods_receipts"))
    quantity = {event.fields["purchase_order_id"]: event.fields["quantity"] for event in books.of_type("GoodsReceived")}
    for event in books.of_type("PurchaseOrderSent"):
        number = event.fields["purchase_order_id"]
        yield from once(came.pop(number, 0), 1, f"GoodsReceived for {number}")
        yield from once(counted.pop(number, 0), 1, f"the receipt for {number}")
        if quantity.get(number, event.fields["quantity"]) != event.fields["quantity"]:
            yield unexplained(f"{number}: {quantity[number]} units came, {event.fields['quantity']} were ordered")
    for number in sorted(came | counted):
        yield unexplained(f"goods came for {number}, which nobody sent")


def units(events: Iterable[Record]) -> Mapping[str, int]:
    """Return the units of each product in the lines of events."""
    found = Counter[str]()
    for event in events:
        for line in event.fields["lines"]:
            found[line["product_id"]] += line["quantity"]
    return found


def received(books: Books) -> Mapping[str, int]:
    """Return the units of each product that came from suppliers."""
    found = Counter[str]()
    for event in books.of_type("GoodsReceived"):
        found[event.fields["product_id"]] += event.fields["quantity"]
    return found
