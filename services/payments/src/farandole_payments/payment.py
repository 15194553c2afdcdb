"""Payment: what is known about the money of one order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from farandole_events.orders import OrderPlaced
from farandole_events.types import BillTo

from farandole_payments.gateway import Amount


class State(StrEnum):
    """How far the money got. ``holding`` and ``capturing`` mean: the gateway is being asked, or was and may have acted.

    ``unheard`` is the tombstone of an order that was cancelled before it was heard of.
    """

    UNHEARD = "unheard"
    HOLDING = "holding"
    DECLINED = "declined"
    HELD = "held"
    CAPTURING = "capturing"
    CAPTURE_FAILED = "capture_failed"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Payment:
    """The payment of one order, as it is stored. Fields are empty until their state is reached.

    ``cancelled`` says that the order ended, whatever the state of the money: what is held or captured must go back.
    """

    order_id: str
    state: State
    cancelled: bool
    amount_cents: int = 0
    currency: str = ""
    bill: BillTo | None = None
    hold_key: str = ""
    hold_id: str = ""
    expires_at: datetime | None = None
    capture_id: str = ""
    refund_id: str = ""
    reason: str = ""

    @property
    def amount(self) -> Amount:
        """What is held, taken and paid back: always the whole."""
        return Amount(cents=self.amount_cents, currency=self.currency)

    @property
    def capture_key(self) -> str:
        """The idempotency key of the hold's one capture."""
        return f"capture-{self.hold_id}"

    @property
    def void_key(self) -> str:
        """The idempotency key of the hold's one void: the same for every handler that may lift it."""
        return f"void-{self.hold_id}"

    @property
    def refund_key(self) -> str:
        """The idempotency key of the capture's one refund: the same for every handler that may pay back."""
        return f"refund-{self.capture_id}"


def bill_of(order: OrderPlaced) -> BillTo:
    """Return what an order's invoice will state. Orders have one address: the goods and the invoice go there."""
    return BillTo(
        customer_id=order.customer_id,
        reference=order.reference,
        lines=order.lines,
        freight_cents=order.freight_cents,
        total_cents=order.total_cents,
        currency=order.currency,
        address=order.ship_to,
    )
