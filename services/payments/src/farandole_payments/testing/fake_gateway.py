"""FakeGateway: a payment gateway in memory, with books to look into and faults to order."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias, TypeVar

from farandole.outside import OutsideAwayError, OutsideRefusedError

from farandole_payments.gateway import (
    AlreadyCaptured,
    Amount,
    CaptureFailed,
    CardDeclined,
    Hold,
    HoldGone,
)

T = TypeVar("T")
Fault: TypeAlias = str
OUTAGE: Final = "outage"
"""The call fails and nothing was done."""
LOST_ANSWER: Final = "lost answer"
"""The call fails and the work was done."""


@dataclass(kw_only=True, slots=True)
class _Held:
    order_id: str
    amount: Amount
    token: str
    expires_at: datetime
    capture_id: str = ""
    voided: bool = False


@dataclass(kw_only=True, slots=True)
class _Captured:
    hold_id: str
    amount: Amount
    refund_id: str = ""


@dataclass(kw_only=True)
class FakeGateway:
    """Does what a gateway does. ``faults`` strike the next calls, one each.

    ``before`` is awaited before the work of each call, ``after`` between the work and its answer.

    Cards: a token that begins with ``tok_declined`` is declined, ``tok_capture_fails`` is held and never captured.
    """

    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    lifetime: timedelta = timedelta(days=7)
    faults: deque[Fault] = field(default_factory=deque)
    before: Callable[[str], Awaitable[None]] | None = None
    after: Callable[[str], Awaitable[None]] | None = None
    calls: list[str] = field(default_factory=list)
    holds: dict[str, _Held] = field(default_factory=dict)
    captures: dict[str, _Captured] = field(default_factory=dict)
    _answers: dict[tuple[str, str], object] = field(default_factory=dict)

    @property
    def open_holds(self) -> list[str]:
        """The holds that are neither captured nor voided."""
        return [hold_id for hold_id, held in self.holds.items() if not held.voided and not held.capture_id]

    @property
    def kept_captures(self) -> list[str]:
        """The captures that were not refunded."""
        return [capture_id for capture_id, captured in self.captures.items() if not captured.refund_id]

    async def hold(self, order_id: str, amount: Amount, payment_token: str, *, idempotency_key: str) -> Hold:
        """See PaymentGateway."""
        return await self._once("hold", idempotency_key, lambda: self._hold(order_id, amount, payment_token))

    async def capture(self, hold_id: str, amount: Amount, *, idempotency_key: str) -> str:
        """See PaymentGateway."""
        return await self._once("capture", idempotency_key, lambda: self._capture(hold_id, amount))

    async def void(self, hold_id: str, *, idempotency_key: str) -> None:
        """See PaymentGateway."""
        await self._once("void", idempotency_key, lambda: self._void(hold_id))

    async def refund(self, capture_id: str, amount: Amount, *, idempotency_key: str) -> str:
        """See PaymentGateway."""
        return await self._once("refund", idempotency_key, lambda: self._refund(capture_id, amount))

    async def _once(self, call: str, key: str, work: Callable[[], T]) -> T:
        self.calls.append(call)
        if self.before is not None:
            await self.before(call)
        fault = self.faults.popleft() if self.faults else None
        if fault == OUTAGE:
            raise _unavailable(call)
        answer = self._remembered(call, key, work)
        if self.after is not None:
            await self.after(call)
        if fault == LOST_ANSWER:
            raise _unavailable(call)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _remembered(self, call: str, key: str, work: Callable[[], T]) -> T | Exception:
        if (call, key) not in self._answers:
            try:
                self._answers[call, key] = work()
            except (CardDeclined, CaptureFailed, AlreadyCaptured) as answer:
                self._answers[call, key] = answer
        return self._answers[call, key]  # type: ignore[return-value]  # what is stored under a call is its answer

    def _hold(self, order_id: str, amount: Amount, token: str) -> Hold:
        if token.startswith("tok_declined"):
            raise CardDeclined("insufficient_funds")
        hold_id = f"hold_{len(self.holds) + 1}"
        expires_at = self.now() + self.lifetime
        self.holds[hold_id] = _Held(order_id=order_id, amount=amount, token=token, expires_at=expires_at)
        return Hold(hold_id=hold_id, expires_at=expires_at)

    def _capture(self, hold_id: str, amount: Amount) -> str:
        held = self._held(hold_id)
        if held.capture_id:
            raise AlreadyCaptured(held.capture_id)
        if held.voided or self.now() >= held.expires_at:
            raise HoldGone("the hold was voided" if held.voided else "the hold ran out")
        if amount.currency != held.amount.currency or amount.cents > held.amount.cents:
            raise _refused(f"{amount} is more than was held")
        if held.token.startswith("tok_capture_fails"):
            raise CaptureFailed("the issuer took the authorisation back")
        held.capture_id = f"cap_{len(self.captures) + 1}"
        self.captures[held.capture_id] = _Captured(hold_id=hold_id, amount=amount)
        return held.capture_id

    def _void(self, hold_id: str) -> None:
        held = self._held(hold_id)
        if held.capture_id:
            raise AlreadyCaptured(held.capture_id)
        held.voided = True

    def _refund(self, capture_id: str, amount: Amount) -> str:
        captured = self.captures.get(capture_id)
        if captured is None:
            raise _refused(f"there is no capture {capture_id}")
        if captured.refund_id or amount != captured.amount:
            raise _refused(f"{amount} is more than is left of {capture_id}")
        captured.refund_id = f"ref_{capture_id}"
        return captured.refund_id

    def _held(self, hold_id: str) -> _Held:
        if hold_id not in self.holds:
            raise _refused(f"there is no hold {hold_id}")
        return self.holds[hold_id]


def _unavailable(call: str) -> OutsideAwayError:
    return OutsideAwayError(f"the gateway did not answer the {call}", why="a fault was ordered", do="ask again")


def _refused(why: str) -> OutsideRefusedError:
    return OutsideRefusedError("the gateway refused", why=why, do="look into its books")
