"""HttpGateway: the payment gateway over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import msgspec
from farandole.outside import OutsideRefusal, OutsideSystem, Refusal, outside_system, path_segment

from farandole_payments.gateway import (
    AlreadyCaptured,
    Amount,
    CaptureFailed,
    CardDeclined,
    Hold,
    HoldGone,
    PaymentGateway,
)
from farandole_payments.settings import PaymentsSettings

_PAYMENT_REQUIRED: Final = 402
_GONE: Final = frozenset(("hold_voided", "hold_expired"))


class _Held(msgspec.Struct, frozen=True):
    hold_id: str
    expires_at: datetime


class _Captured(msgspec.Struct, frozen=True):
    capture_id: str


class _Voided(msgspec.Struct, frozen=True):
    hold_id: str


class _Refunded(msgspec.Struct, frozen=True):
    refund_id: str


class HttpGateway:
    """Asks the gateway over HTTP."""

    def __init__(self, system: OutsideSystem) -> None:
        self._system = system

    async def hold(self, order_id: str, amount: Amount, payment_token: str, *, idempotency_key: str) -> Hold:
        """See PaymentGateway."""
        body = {"order_id": order_id, **_money(amount), "payment_token": payment_token}
        try:
            held = await self._system.post("/gateway/holds", body, _Held, idempotency_key=idempotency_key)
        except OutsideRefusal as no:
            if no.refusal.status == _PAYMENT_REQUIRED:
                raise CardDeclined(no.refusal.reason or "declined") from no
            raise self._system.unexpected(no.refusal) from no
        return Hold(hold_id=held.hold_id, expires_at=held.expires_at)

    async def capture(self, hold_id: str, amount: Amount, *, idempotency_key: str) -> str:
        """See PaymentGateway."""
        path = f"/gateway/holds/{path_segment(hold_id)}/captures"
        try:
            captured = await self._system.post(path, _money(amount), _Captured, idempotency_key=idempotency_key)
        except OutsideRefusal as no:
            raise self._of_hold(no.refusal) from no
        return captured.capture_id

    async def void(self, hold_id: str, *, idempotency_key: str) -> None:
        """See PaymentGateway."""
        path = f"/gateway/holds/{path_segment(hold_id)}/void"
        try:
            await self._system.post(path, {}, _Voided, idempotency_key=idempotency_key)
        except OutsideRefusal as no:
            error = self._of_hold(no.refusal)
            if not isinstance(error, HoldGone):  # gone: nothing is left to lift, which is what was asked for
                raise error from no

    async def refund(self, capture_id: str, amount: Amount, *, idempotency_key: str) -> str:
        """See PaymentGateway."""
        path = f"/gateway/captures/{path_segment(capture_id)}/refunds"
        try:
            refunded = await self._system.post(path, _money(amount), _Refunded, idempotency_key=idempotency_key)
        except OutsideRefusal as no:
            raise self._system.unexpected(no.refusal) from no
        return refunded.refund_id

    def _of_hold(self, refusal: Refusal) -> Exception:
        capture_id = refusal.details.get("capture_id")
        if refusal.error == "already_captured" and isinstance(capture_id, str):
            return AlreadyCaptured(capture_id)
        if refusal.error in _GONE:
            return HoldGone(refusal.reason or refusal.error)
        if refusal.status == _PAYMENT_REQUIRED:
            return CaptureFailed(refusal.reason or "refused")
        return self._system.unexpected(refusal)


@asynccontextmanager
async def connect(settings: PaymentsSettings) -> AsyncGenerator[PaymentGateway]:
    """Give the gateway at the address of the settings, and close its connections in the end."""
    async with outside_system(
        "the payment gateway",
        settings.gateway_url,
        connect_within=settings.connect_within,
        answer_within=settings.answer_within,
    ) as system:
        yield HttpGateway(system)


def _money(amount: Amount) -> dict[str, Any]:
    return {"amount_cents": amount.cents, "currency": amount.currency}
