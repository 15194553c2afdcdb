"""Made-up books: a small mesh that handled four orders rightly, and ways to damage its books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from farandole.identity import derived_id, follow_on_id, join_id, webhook_id
from farandole_sandbox.demo.books import Books, Effect, Handled, Hearing, Promise, Row
from farandole_sandbox.demo.errand import Card, Errand, Repeat
from farandole_sandbox.demo.northwind import Address, Line, NorthwindOrder, Product
from farandole_sandbox.demo.record import Record
from farandole_sandbox.demo.shop import Placed

CHAI = Product(product_id="1", name="Chai", in_stock=39, discontinued=False)
GUARANA = Product(product_id="24", name="Guaraná Fantástica", in_stock=20, discontinued=True)

# Each: the service, the event, what it answers, whether its id is a join's.
Step = tuple[str, str, str, bool]
COMPLETED: tuple[Step, ...] = (
    ("erp", "SalesOrderPosted/placed", "OrderPlaced", False),
    ("crm", "CustomerNotified/order-placed", "OrderPlaced", False),
    ("inventory", "StockReserved", "OrderPlaced", False),
    ("payments", "PaymentAuthorised", "OrderPlaced", True),
    ("warehouse", "OrderPacked", "PaymentAuthorised", True),
    ("shipping", "ShipmentDispatched", "OrderPacked", False),
    ("crm", "CustomerNotified/order-dispatched", "ShipmentDispatched", False),
    ("payments", "PaymentCaptured", "ShipmentDispatched", True),
    ("invoicing", "InvoiceIssued", "PaymentCaptured", False),
    ("erp", "SalesOrderPosted/invoiced", "InvoiceIssued", False),
    ("shipping", "ShipmentDelivered", "ShipmentDispatched", False),
    ("orders", "OrderCompleted", "ShipmentDelivered", True),
    ("erp", "SalesOrderPosted/completed", "OrderCompleted", False),
    ("crm", "CustomerNotified/order-completed", "OrderCompleted", False),
)
_ENDED_BADLY: tuple[Step, ...] = (
    ("erp", "SalesOrderPosted/cancelled", "OrderCancelled", False),
    ("crm", "CustomerNotified/order-cancelled", "OrderCancelled", False),
)
DECLINED: tuple[Step, ...] = (
    *COMPLETED[:3],
    ("payments", "PaymentDeclined", "OrderPlaced", True),
    ("orders", "OrderCancelled", "PaymentDeclined", True),
    ("inventory", "StockReleased", "OrderCancelled", False),
    *_ENDED_BADLY,
)
REJECTED: tuple[Step, ...] = (
    *COMPLETED[:2],
    ("inventory", "StockRejected", "OrderPlaced", False),
    ("payments", "PaymentAuthorised", "OrderPlaced", True),
    ("orders", "OrderCancelled", "StockRejected", True),
    ("payments", "PaymentVoided", "OrderCancelled", True),
    *_ENDED_BADLY,
)
RETURNED: tuple[Step, ...] = (
    *COMPLETED[:10],
    ("shipping", "ShipmentReturned", "ShipmentDispatched", False),
    ("orders", "OrderCancelled", "ShipmentReturned", True),
    ("inventory", "StockReleased", "OrderCancelled", False),
    ("payments", "PaymentRefunded", "OrderCancelled", True),
    ("invoicing", "CreditNoteIssued", "OrderCancelled", False),
    ("erp", "SalesOrderPosted/credited", "CreditNoteIssued", False),
    *_ENDED_BADLY,
)
SUPPLY: tuple[Step, ...] = (
    ("inventory", "StockLow", "OrderPlaced", False),
    ("suppliers", "PurchaseOrderSent", "StockLow", False),
    ("suppliers", "GoodsReceived", "PurchaseOrderSent", False),
)
_WEBHOOKS = {
    "ShipmentDelivered": ("shipping", "carrier"),
    "ShipmentReturned": ("shipping", "carrier"),
    "GoodsReceived": ("suppliers", "suppliers.goods"),
}
_EFFECTS = {
    "PaymentAuthorised": ("hold", "hold:{order}", None),
    "PaymentCaptured": ("capture", "capture:{order}", "hold-{order}"),
    "PaymentVoided": ("void", "void:hold-{order}", "hold-{order}"),
    "PaymentRefunded": ("refund", "refund:capture-{order}", "capture-{order}"),
    "OrderPacked": ("package", "package:{order}", None),
    "ShipmentDispatched": ("shipment", "shipment:{order}", None),
    "SalesOrderPosted": ("posting", "posting:{order}:{part}", None),
    "CustomerNotified": ("notification", "notification:{order}:{part}", None),
}


def errand(number: str, *, card: Card = Card.GOOD, returned: bool = False, product: Product = CHAI) -> Errand:
    """Return the errand of an order of ten units, or of more than there ever was of a discontinued product."""
    quantity = 30 if product.discontinued else 10
    line = Line(product=product, quantity=quantity, unit_price_cents=1800, discount_basis_points=0)
    order = NorthwindOrder(
        number=number,
        customer_id="VINET",
        ordered="1996-07-04T00:00:00.000Z",
        required="1996-08-01T00:00:00.000Z",
        carrier="Speedy Express",
        freight_cents=500,
        ship_to=Address(name="V", street="S", city="R", region=None, postal_code=None, country="France"),
        lines=(line,),
    )
    return Errand(
        number=1,
        reference=number,
        order=order,
        card=card,
        repeat=Repeat.ONCE,
        returned=returned,
        cancelled=False,
        reused=False,
        malformed=False,
    )


class _Writer:
    """Writes the books of orders, event by event."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.effects: list[Effect] = []
        self.webhooks: list[Row] = []
        self.inboxes: dict[str, dict[str, Handled]] = defaultdict(dict)
        self.hears: dict[str, set[str]] = defaultdict(set)
        self.tables: dict[str, list[Row]] = defaultdict(list)
        self.placed: list[Placed] = []

    def order(self, order_id: str, sent: Errand, steps: Iterable[Step], *, status: str, cause: str | None) -> None:
        self.placed.append(Placed(errand=sent, order_id=order_id, accepted=0.0, took=0.01))
        self.tables["orders.orders"].append(
            {"order_id": order_id, "reference": sent.reference, "status": status, "cause": cause}
        )
        lines = [{"product_id": one.product.product_id, "quantity": one.quantity} for one in sent.order.lines]
        first = _record("orders", "OrderPlaced", derived_id("order-placed", order_id), causes=(), flow="", fields={})
        total = 500 + 1800 * lines[0]["quantity"]
        about = {"order_id": order_id, "lines": lines, "total_cents": total, "amount_cents": total}
        placed = replace(
            first,
            flow=first.id,
            fields={**about, "lines": [{**one, "total_cents": 1800 * one["quantity"]} for one in lines]}
            | {"ship_to": {"country": "France"}},
        )
        events = {"OrderPlaced": placed}
        self.records.append(placed)
        for service, named, answers, joined in steps:
            events[named] = self._answer(service, named, events[answers], about, joined=joined)

    def _answer(self, service: str, named: str, cause: Record, about: Row, *, joined: bool) -> Record:
        name, _, part = named.partition("/")
        order_id = about["order_id"]
        full = f"farandole.{name}"
        if name in _WEBHOOKS:
            sender_id = f"wh-{name}-{order_id}"
            event_id = webhook_id(source=_WEBHOOKS[name][1], sender_id=sender_id)
            told = {"type": "returned" if name == "ShipmentReturned" else "delivered"}
            about_it = {"id": sender_id, "receiver": _WEBHOOKS[name][0], "order_id": order_id, "body": told}
            self.webhooks.append({**about_it, "acknowledged": 1})
        elif joined:
            event_id = join_id(join=order_id, service=service, event_type=full, ordinal=0)
        else:
            event_id = follow_on_id(cause=cause.id, service=service, event_type=full, ordinal=0)
        fields = {**about, **self._ids(name, part, order_id)}
        if name in {"StockLow", "PurchaseOrderSent", "GoodsReceived"}:
            fields = {
                "product_id": "1",
                "quantity": 50,
                "shortage_id": f"shortage-{order_id}",
                "purchase_order_id": f"po-{order_id}",
            }
        record = _record(service, name, event_id, causes=(cause.id,), flow=cause.flow, fields=fields)
        self.records.append(record)
        if name not in _WEBHOOKS:
            self._handle(service, cause, record)
        self._effect(name, part, order_id, about)
        return record

    def hear_the_rest(self) -> None:
        """Have every service handle, without an answer, what it hears and did not answer."""
        for service, types in self.hears.items():
            for record in self.records:
                if record.fullname in types:
                    self.inboxes[service].setdefault(record.id, Handled(event_id=record.id, given_up=False))

    def _handle(self, service: str, cause: Record, answer: Record) -> None:
        self.hears[service].add(cause.fullname)
        before = self.inboxes[service].get(cause.id, Handled(event_id=cause.id, given_up=False))
        promise = Promise(event_id=answer.id, fullname=answer.fullname)
        self.inboxes[service][cause.id] = replace(before, promises=(*before.promises, promise))

    def _ids(self, name: str, part: str, order_id: str) -> Row:
        number = len(self.tables["invoicing.invoice"]) + 1
        note = len(self.tables["invoicing.credit_note"]) + 1
        return {
            "PaymentAuthorised": {"hold_id": f"hold-{order_id}"},
            "PaymentCaptured": {"capture_id": f"capture-{order_id}"},
            "OrderPacked": {"package_id": f"package-{order_id}"},
            "ShipmentDispatched": {"shipment_id": f"shipment-{order_id}"},
            "InvoiceIssued": {"invoice_number": number, "paid": True},
            "CreditNoteIssued": {"credit_note_number": note},
            "SalesOrderPosted": {"stage": part},
            "CustomerNotified": {"template": part},
        }.get(name, {})

    def _effect(self, name: str, part: str, order_id: str, about: Row) -> None:
        if name == "InvoiceIssued":
            table = self.tables["invoicing.invoice"]
            table.append({"number": len(table) + 1, "order_id": order_id})
        if name == "CreditNoteIssued":
            self.tables["invoicing.credit_note"].append({"number": len(self.tables["invoicing.credit_note"]) + 1})
        if name == "PurchaseOrderSent":
            self.effects.append(
                Effect(id="po", kind="purchase_order", once=f"purchase_order:shortage-{order_id}", order_id=None)
            )
        if name in _EFFECTS:
            kind, once, parent = _EFFECTS[name]
            self.effects.append(
                Effect(
                    id=f"{kind}-{order_id}{part}",
                    kind=kind,
                    once=once.format(order=order_id, part=part),
                    order_id=order_id,
                    parent=parent.format(order=order_id) if parent else None,
                    amount_cents=about["amount_cents"],
                    detail={"stage": part},
                )
            )


def balanced() -> Books:
    """Return the books of a mesh that completed, declined, rejected and took back an order, and bought 50 units."""
    writer = _Writer()
    writer.order("A", errand("10248"), (*COMPLETED, *SUPPLY), status="completed", cause=None)
    writer.order("B", errand("10249", card=Card.DECLINED), DECLINED, status="cancelled", cause="payment_declined")
    writer.order("C", errand("10250", product=GUARANA), REJECTED, status="cancelled", cause="stock_rejected")
    writer.order("D", errand("10251", returned=True), RETURNED, status="cancelled", cause="returned")
    writer.hear_the_rest()
    writer.tables |= {
        "inventory.stock": [
            {"product_id": "1", "initial": 39, "received": 50, "reserved": 30, "released": 20, "waiting": 0},
            {"product_id": "24", "initial": 20, "received": 0, "reserved": 0, "released": 0, "waiting": 0},
        ],
        "inventory.reservations": [
            {"order_id": order_id, "state": state}
            for order_id, state in (("A", "held"), ("B", "released"), ("C", "rejected"), ("D", "released"))
        ],
        "inventory.reservation_lines": [
            {"order_id": order_id, "product_id": "1", "quantity": 10} for order_id in ("A", "B", "D")
        ],
        "inventory.goods_receipts": [{"purchase_order_id": "po-A"}],
        "payments.payment": [
            {"order_id": "A", "state": "captured", "hold_id": "hold-A", "capture_id": "capture-A", "refund_id": ""}
        ],
    }
    return Books(
        placed=writer.placed,
        records=writer.records,
        inboxes=writer.inboxes,
        hearing={service: Hearing(hears=frozenset(types)) for service, types in writer.hears.items()},
        tables=writer.tables,
        effects=writer.effects,
        webhooks=writer.webhooks,
        products={"1": CHAI, "24": GUARANA},
    )


def _record(source: str, name: str, event_id: str, *, causes: tuple[str, ...], flow: str, fields: Row) -> Record:
    return Record(
        id=event_id,
        type=name,
        fullname=f"farandole.{name}",
        topic="topic",
        source=source,
        time="2026-11-23T12:30:01.000Z",
        flow=flow,
        causes=causes,
        appended=1.0,
        fields=fields,
    )


Damage = Callable[[Books], Books]


def event_of(books: Books, order_id: str, name: str, **fields: Any) -> Record:
    """Return an event of an order, the one with these fields."""
    return next(one for one in books.of(order_id, name) if fields.items() <= dict(one.fields).items())


def without_event(order_id: str, name: str, **fields: Any) -> Damage:
    """Take an event out of Kafka."""

    def damage(books: Books) -> Books:
        gone = event_of(books, order_id, name, **fields)
        return replace(books, records=[one for one in books.records if one.id != gone.id])

    return damage


def with_changed_event(order_id: str, name: str, **changes: Any) -> Damage:
    """Change fields of an event's value."""

    def damage(books: Books) -> Books:
        found = event_of(books, order_id, name)
        changed = replace(found, fields={**found.fields, **changes})
        return replace(books, records=[changed if one.id == found.id else one for one in books.records])

    return damage


def with_event(order_id: str, name: str, event_id: str = "other", **fields: Any) -> Damage:
    """Put one more event of a type into Kafka, a copy of the order's own where it has one, under another id."""

    def damage(books: Books) -> Books:
        like = (*books.of(order_id, name), books.records[0])[0]
        fields_of = {**like.fields, "order_id": order_id, **fields}
        added = replace(like, id=event_id, type=name, fullname=f"farandole.{name}", fields=fields_of)
        return replace(books, records=[*books.records, added])

    return damage


def without_effect(kind: str, order_id: str) -> Damage:
    """Take what an outside system did out of its books."""
    return lambda books: replace(
        books, effects=[one for one in books.effects if (one.kind, one.order_id) != (kind, order_id)]
    )


def with_effect(kind: str, order_id: str, effect_id: str = "other") -> Damage:
    """Have an outside system do once more what it did for an order, or for the first time, as it did for A."""

    def damage(books: Books) -> Books:
        like = (*books.done(kind, order_id), *books.done(kind, "A"), *books.done(kind, "D"))[0]
        once = like.once.replace(str(like.order_id), order_id)
        return replace(books, effects=[*books.effects, replace(like, id=effect_id, order_id=order_id, once=once)])

    return damage


def with_rows(table: str, *rows: Row) -> Damage:
    """Replace the rows of a table."""
    return lambda books: replace(books, tables={**books.tables, table: rows})


def with_changed_row(table: str, place: int, **changes: Any) -> Damage:
    """Change a row of a table."""

    def damage(books: Books) -> Books:
        rows = list(books.rows(table))
        rows[place] = {**rows[place], **changes}
        return with_rows(table, *rows)(books)

    return damage


def with_another_row(table: str, **changes: Any) -> Damage:
    """Add a row like the last one."""
    return lambda books: with_rows(table, *books.rows(table), {**books.rows(table)[-1], **changes})(books)
