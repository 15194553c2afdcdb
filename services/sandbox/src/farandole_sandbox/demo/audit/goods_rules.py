"""Goods rules: what was packed and sent is what the events say, and the customer and the ERP are told of it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from farandole_sandbox.demo.audit.finding import Misfit, doubled, once, unexplained
from farandole_sandbox.demo.books import Books

STAGES: Final = {
    "placed": "OrderPlaced",
    "completed": "OrderCompleted",
    "cancelled": "OrderCancelled",
    "invoiced": "InvoiceIssued",
    "credited": "CreditNoteIssued",
}
TEMPLATES: Final = {
    "order-placed": "OrderPlaced",
    "order-backordered": "StockBackordered",
    "order-dispatched": "ShipmentDispatched",
    "order-completed": "OrderCompleted",
    "order-cancelled": "OrderCancelled",
}


def packages_are_those_of_packed_orders(books: Books) -> Iterable[Misfit]:
    """The warehouse system packed each order that an event says was packed, once, and no other."""
    yield from _effects_match(books, "package", "OrderPacked", "package_id")


def shipments_are_those_of_dispatched_orders(books: Books) -> Iterable[Misfit]:
    """The carriers took each order that an event says was dispatched, once, and no other."""
    yield from _effects_match(books, "shipment", "ShipmentDispatched", "shipment_id")


def only_reserved_and_paid_orders_are_packed(books: Books) -> Iterable[Misfit]:
    """What is packed was reserved and its money held, and packed as it was reserved."""
    for event in books.of_type("OrderPacked"):
        order_id = event.order_id or ""
        for half in ("StockReserved", "PaymentAuthorised"):
            if not books.has(order_id, half):
                yield unexplained(f"{event} without {half}")
        for reserved in books.of(order_id, "StockReserved"):
            if list(reserved.fields["lines"]) != list(event.fields["lines"]):
                yield unexplained(f"{event} holds other goods than were reserved")


def the_erp_has_each_stage_once(books: Books) -> Iterable[Misfit]:
    """Each order is posted to the ERP in the stages that its events say, each once, and has one sales order."""
    done = Counter((str(one.order_id), one.detail["stage"]) for one in books.effects if one.kind == "posting")
    told = Counter((str(one.order_id), one.fields["stage"]) for one in books.of_type("SalesOrderPosted"))
    for order_id in sorted(books.orders):
        for stage, event in STAGES.items():
            wanted = int(books.has(order_id, event))
            yield from once(done[order_id, stage], wanted, f"stage {stage} of {order_id} in the ERP")
            yield from once(told[order_id, stage], wanted, f"SalesOrderPosted {stage} of {order_id}")


def customers_are_told_each_thing_once(books: Books) -> Iterable[Misfit]:
    """Each customer is told what happened to an order, each thing once, and nothing else."""
    done = Counter(
        (str(one.order_id), one.once.rpartition(":")[2]) for one in books.effects if one.kind == "notification"
    )
    told = Counter((str(one.order_id), one.fields["template"]) for one in books.of_type("CustomerNotified"))
    for order_id in sorted(books.orders):
        for template, event in TEMPLATES.items():
            wanted = int(books.has(order_id, event))
            yield from once(done[order_id, template], wanted, f"notification {template} of {order_id}")
            yield from once(told[order_id, template], wanted, f"CustomerNotified {template} of {order_id}")
    for order_id, part in sorted(done | told):
        if part not in TEMPLATES or order_id not in books.orders:
            yield unexplained(f"somebody was told {part} of {order_id}")


def nothing_was_done_twice_outside(books: Books) -> Iterable[Misfit]:
    """No business key has two effects in the outside systems' books that were not undone."""
    undone = {effect.parent for effect in books.effects if effect.kind in {"void", "package_cancellation"}}
    for key, count in Counter(effect.once for effect in books.effects if effect.id not in undone).items():
        if count > 1:
            yield doubled(f"{key}: {count} effects")


def nothing_was_done_for_unknown_orders(books: Books) -> Iterable[Misfit]:
    """No outside system did anything for an order that was never placed."""
    for effect in books.effects:
        if effect.order_id is not None and effect.order_id not in books.orders:
            yield unexplained(f"{effect.kind} {effect.id} for {effect.order_id}, which was never placed")


def _effects_match(books: Books, kind: str, event_type: str, field: str) -> Iterable[Misfit]:
    for order_id in sorted(books.orders):
        done, told = books.done(kind, order_id), books.of(order_id, event_type)
        yield from once(len(done), int(bool(told)), f"the {kind} of {order_id}")
        for event in told:
            if event.fields[field] not in {effect.id for effect in done}:
                yield unexplained(f"{event} names {event.fields[field]}, which nobody made")
