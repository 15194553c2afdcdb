"""Chain rules: what each event of an order has to be followed by, whoever does it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from farandole_sandbox.demo.audit.finding import Misfit, lost, unexplained
from farandole_sandbox.demo.books import Books


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """An order that has ``all_of`` has one of ``one_of``, unless it has one of ``unless``."""

    all_of: tuple[str, ...]
    one_of: tuple[str, ...]
    unless: tuple[str, ...] = ()


_STOCK = ("StockReserved", "StockBackordered", "StockRejected")
_CANCELLED = ("OrderCancelled",)

LINKS: Final = (
    Link(all_of=("OrderPlaced",), one_of=_STOCK, unless=_CANCELLED),
    Link(all_of=("OrderPlaced",), one_of=("PaymentAuthorised", "PaymentDeclined"), unless=_CANCELLED),
    Link(all_of=("StockBackordered",), one_of=("StockReserved", "StockRejected"), unless=_CANCELLED),
    Link(all_of=("StockReserved", "PaymentAuthorised"), one_of=("OrderPacked",), unless=_CANCELLED),
    Link(all_of=("OrderPacked",), one_of=("ShipmentDispatched",)),
    Link(all_of=("ShipmentDispatched",), one_of=("ShipmentDelivered", "ShipmentReturned")),
    Link(all_of=("ShipmentDispatched",), one_of=("PaymentCaptured", "PaymentCaptureFailed", "PaymentVoided")),
    Link(all_of=("PaymentCaptured",), one_of=("InvoiceIssued",), unless=_CANCELLED),
    Link(all_of=("PaymentCaptureFailed",), one_of=("InvoiceIssued",), unless=_CANCELLED),
    Link(all_of=("ShipmentDelivered", "InvoiceIssued"), one_of=("OrderCompleted",), unless=_CANCELLED),
    Link(all_of=("ShipmentReturned",), one_of=_CANCELLED),
    Link(all_of=("PaymentDeclined",), one_of=_CANCELLED),
    Link(all_of=("StockRejected",), one_of=_CANCELLED),
    Link(all_of=("FulfilmentCancelled",), one_of=_CANCELLED),
    Link(all_of=("CancellationRequested",), one_of=("FulfilmentCancelled", "CancellationRefused"), unless=_CANCELLED),
    Link(all_of=("OrderCancelled", "StockReserved"), one_of=("StockReleased",)),
    Link(
        all_of=("OrderCancelled", "PaymentAuthorised"),
        one_of=("PaymentVoided", "PaymentRefunded", "PaymentCaptureFailed"),
    ),
    Link(all_of=("OrderCancelled", "PaymentCaptured"), one_of=("PaymentRefunded",)),
    Link(all_of=("OrderCancelled", "InvoiceIssued"), one_of=("CreditNoteIssued",)),
)
"""What must follow. Each names the least that ends well in any order of arrival."""

IMPOSSIBLE: Final = (
    ("OrderCompleted", "OrderCancelled"),
    ("OrderCompleted", "StockReleased"),
    ("OrderCompleted", "PaymentRefunded"),
    ("OrderCompleted", "PaymentVoided"),
    ("OrderCompleted", "CreditNoteIssued"),
    ("PaymentAuthorised", "PaymentDeclined"),
    ("PaymentCaptured", "PaymentCaptureFailed"),
    ("PaymentCaptured", "PaymentVoided"),
    ("ShipmentDelivered", "ShipmentReturned"),
    ("FulfilmentCancelled", "OrderPacked"),
    ("FulfilmentCancelled", "CancellationRefused"),
)
"""Events that no order has both of."""


def every_event_is_followed_by_what_it_demands(books: Books) -> Iterable[Misfit]:
    """No order stops half-way: what an event demands is there."""
    for order_id in sorted(books.orders):
        for link in LINKS:
            if (
                all(books.has(order_id, name) for name in link.all_of)
                and not books.has(order_id, *link.one_of)
                and not books.has(order_id, *link.unless)
            ):
                yield lost(f"{' and '.join(link.all_of)} of {order_id} without {' or '.join(link.one_of)}")


def no_order_has_what_excludes_one_another(books: Books) -> Iterable[Misfit]:
    """An order that is cancelled is not completed, money that was taken is not also left alone."""
    for order_id in sorted(books.orders):
        for one, other in IMPOSSIBLE:
            if books.has(order_id, one) and books.has(order_id, other):
                yield unexplained(f"{order_id} has both {one} and {other}")


def every_event_of_an_order_has_an_order(books: Books) -> Iterable[Misfit]:
    """Nothing is told of an order that was never placed."""
    for event in books.events.values():
        if event.order_id is not None and event.order_id not in books.orders:
            yield unexplained(f"{event}, which was never placed")
