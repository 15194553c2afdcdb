"""Standing: where an order stands, and how news of it moves that. Pure: the same news in any order ends the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """How far an order has come, in rising rank: news of a lower rank never takes it back."""

    PLACED = "placed"
    AUTHORISED = "authorised"
    BACKORDERED = "backordered"
    RESERVED = "reserved"
    PACKED = "packed"
    DISPATCHED = "dispatched"
    INVOICED = "invoiced"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def rank(self) -> int:
        """The place in the order above."""
        return _RANKS[self]

    @property
    def is_terminal(self) -> bool:
        """Whether the order has ended, for ever."""
        return self in _TERMINAL


_RANKS: Final = {status: rank for rank, status in enumerate(Status)}
_TERMINAL: Final = frozenset((Status.COMPLETED, Status.CANCELLED))


class Cause(StrEnum):
    """Why an order was cancelled, for programs."""

    STOCK_REJECTED = "stock_rejected"
    PAYMENT_DECLINED = "payment_declined"
    CUSTOMER = "customer"
    RETURNED = "returned"


class Cancellation(StrEnum):
    """What became of the customer's wish to cancel."""

    REQUESTED = "requested"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where an order stands. ``cause`` is there when it is cancelled, and only then."""

    status: Status = Status.PLACED
    delivered: bool = False
    invoiced: bool = False
    cancellation: Cancellation | None = None
    cause: Cause | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What an event means for its order: a status that it has reached, its end, or the refusal to end it.

    An event that changes none of these is still news: it is kept in the history.
    """

    reaches: Status | None = None
    cancels: Cause | None = None
    refuses: bool = False


def advance(standing: Standing, news: News) -> Standing:
    """Return where the order stands after the news.

    The first cause to cancel wins, delivery and invoice together complete, and what has ended stays as it ended.
    """
    if news.refuses:
        standing = replace(standing, cancellation=Cancellation.REFUSED)
    if standing.status.is_terminal:
        return standing
    if news.cancels is not None:
        return replace(standing, status=Status.CANCELLED, cause=news.cancels)
    delivered = standing.delivered or news.reaches is Status.DELIVERED
    invoiced = standing.invoiced or news.reaches is Status.INVOICED
    status = max(standing.status, news.reaches or standing.status, key=lambda one: one.rank)
    if delivered and invoiced:
        status = Status.COMPLETED
    return replace(standing, status=status, delivered=delivered, invoiced=invoiced)
