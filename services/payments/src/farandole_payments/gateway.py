"""PaymentGateway: what payments asks of a card gateway, whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """A sum of money: ``cents`` are minor units of the ISO 4217 ``currency``."""

    cents: int
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """Money set aside on a card until ``expires_at`` (UTC)."""

    hold_id: str
    expires_at: datetime


class CardDeclined(Exception):  # noqa: N818 - an answer, not a fault
    """The card's issuer says no, and will say so again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CaptureFailed(Exception):  # noqa: N818 - an answer, not a fault
    """The held money cannot be taken, and never will be: the issuer refused, or the hold is gone."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class HoldGone(CaptureFailed):
    """The hold lapsed or was voided before it was captured."""


class AlreadyCaptured(Exception):  # noqa: N818 - an answer, not a fault
    """The hold was captured before, by somebody who used another key: ``capture_id`` is that capture."""

    def __init__(self, capture_id: str) -> None:
        super().__init__(capture_id)
        self.capture_id = capture_id


class PaymentGateway(Protocol):
    """A card gateway. Each call does its work once for each idempotency key and then repeats its answer.

    Every method may raise OutsideAwayError (ask again, with the same key: it may have been done), OutsideRefusedError
    (asking again cannot help), or `farandole.Retry` where the gateway says when to ask again. Safe for concurrent use.
    """

    async def hold(self, order_id: str, amount: Amount, payment_token: str, *, idempotency_key: str) -> Hold:
        """Set the amount aside on the card that the token stands for. Raises CardDeclined."""
        ...

    async def capture(self, hold_id: str, amount: Amount, *, idempotency_key: str) -> str:
        """Take held money and return the capture's id. Raises CaptureFailed, HoldGone, AlreadyCaptured."""
        ...

    async def void(self, hold_id: str, *, idempotency_key: str) -> None:
        """Lift a hold; one that is lifted already stays so. Raises AlreadyCaptured."""
        ...

    async def refund(self, capture_id: str, amount: Amount, *, idempotency_key: str) -> str:
        """Pay captured money back and return the refund's id."""
        ...
