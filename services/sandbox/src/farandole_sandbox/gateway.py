"""The payment gateway: holds, captures, voids, refunds."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Final

import msgspec
from starlette.routing import Route

from farandole_sandbox.answer import Answer, Call, done, refused, unknown, written
from farandole_sandbox.desk import Cents, Currency, Name, Nothing, doing, looking_up
from farandole_sandbox.effect import Effect, children, find
from farandole_sandbox.sandbox import Sandbox

_DECLINES: Final = (("tok_declined", "insufficient_funds"), ("tok_expired", "expired_card"))
_CAPTURE_FAILS: Final = "tok_capture_fails"


class HoldRequest(msgspec.Struct, frozen=True):
    """What a hold is asked for with."""

    order_id: Name
    amount_cents: Cents
    currency: Currency
    payment_token: Name


class AmountRequest(msgspec.Struct, frozen=True):
    """What a capture or a refund is asked for with."""

    amount_cents: Cents
    currency: Currency | None = None


def hold(connection: sqlite3.Connection, call: Call, asked: HoldRequest, *, lifetime: timedelta) -> Answer:
    """Hold an amount on the card that the token stands for, or decline."""
    for prefix, reason in _DECLINES:
        if asked.payment_token.startswith(prefix):
            return refused(402, "card_declined", reason)
    hold_id = call.id("hold")
    expires_at = written(call.now + lifetime)
    # The token itself stays out of the books: it would be as good as the card.
    fails = asked.payment_token.startswith(_CAPTURE_FAILS)
    Effect(
        id=hold_id,
        kind="hold",
        once=f"hold:{asked.order_id}",
        key=call.key,
        at=call.at,
        order_id=asked.order_id,
        amount_cents=asked.amount_cents,
        currency=asked.currency,
        detail={"expires_at": expires_at, "capture_fails": fails},
    ).record(connection)
    return done(201, hold_id=hold_id, expires_at=expires_at, amount_cents=asked.amount_cents, currency=asked.currency)


def capture(connection: sqlite3.Connection, call: Call, asked: AmountRequest) -> Answer:
    """Capture a hold: once, at most its amount, not after it was voided or ran out."""
    hold_id = call.parameters["hold_id"]
    held = find(connection, hold_id, "hold")
    if held is None:
        return unknown("hold", hold_id)
    since = children(connection, hold_id)
    refusal = _why_not_captured(held, since, asked, call.now)
    if refusal is not None:
        return refusal
    capture_id = call.id("cap")
    Effect(
        id=capture_id,
        kind="capture",
        once=f"capture:{held.order_id}",
        key=call.key,
        at=call.at,
        order_id=held.order_id,
        parent=hold_id,
        amount_cents=asked.amount_cents,
        currency=held.currency,
        detail={},
    ).record(connection)
    return done(201, capture_id=capture_id, hold_id=hold_id, amount_cents=asked.amount_cents, currency=held.currency)


def _why_not_captured(held: Effect, since: tuple[Effect, ...], asked: AmountRequest, now: datetime) -> Answer | None:
    for effect in since:
        if effect.kind == "capture":
            return refused(409, "already_captured", "a hold is captured once", capture_id=effect.id)
        if effect.kind == "void":
            return refused(409, "hold_voided", "the hold was voided", void_id=effect.id)
    if now >= datetime.fromisoformat(held.detail["expires_at"]):
        return refused(409, "hold_expired", f"the hold ran out at {held.detail['expires_at']}")
    return _why_not_this_amount(held, asked)


def _why_not_this_amount(held: Effect, asked: AmountRequest) -> Answer | None:
    if held.amount_cents is not None and asked.amount_cents > held.amount_cents:
        return refused(409, "amount_too_large", f"the hold is for {held.amount_cents} cents")
    if asked.currency not in (None, held.currency):
        return refused(409, "wrong_currency", f"the hold is in {held.currency}")
    if held.detail["capture_fails"]:
        return refused(402, "capture_failed", "the issuer took the authorisation back")
    return None


def void(connection: sqlite3.Connection, call: Call, _: Nothing) -> Answer:
    """Void a hold that was not captured; a hold that is void already stays so."""
    hold_id = call.parameters["hold_id"]
    held = find(connection, hold_id, "hold")
    if held is None:
        return unknown("hold", hold_id)
    for effect in children(connection, hold_id):
        if effect.kind == "capture":
            return refused(409, "already_captured", "the hold was captured; refund it", capture_id=effect.id)
        if effect.kind == "void":
            return done(200, void_id=effect.id, hold_id=hold_id)
    void_id = call.id("void")
    Effect(
        id=void_id,
        kind="void",
        once=f"void:{hold_id}",
        key=call.key,
        at=call.at,
        order_id=held.order_id,
        parent=hold_id,
        amount_cents=held.amount_cents,
        currency=held.currency,
        detail={},
    ).record(connection)
    return done(200, void_id=void_id, hold_id=hold_id)


def refund(connection: sqlite3.Connection, call: Call, asked: AmountRequest) -> Answer:
    """Refund a capture, in one or several parts, never more than was captured."""
    capture_id = call.parameters["capture_id"]
    captured = find(connection, capture_id, "capture")
    if captured is None:
        return unknown("capture", capture_id)
    if asked.currency not in (None, captured.currency):
        return refused(409, "wrong_currency", f"the capture is in {captured.currency}")
    refunded = sum(one.amount_cents or 0 for one in children(connection, capture_id) if one.kind == "refund")
    if asked.amount_cents > (captured.amount_cents or 0) - refunded:
        return refused(409, "amount_too_large", f"{refunded} of {captured.amount_cents} cents are refunded already")
    refund_id = call.id("ref")
    Effect(
        id=refund_id,
        kind="refund",
        once=f"refund:{capture_id}",
        key=call.key,
        at=call.at,
        order_id=captured.order_id,
        parent=capture_id,
        amount_cents=asked.amount_cents,
        currency=captured.currency,
        detail={},
    ).record(connection)
    return done(
        201,
        refund_id=refund_id,
        capture_id=capture_id,
        amount_cents=asked.amount_cents,
        currency=captured.currency,
    )


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the gateway's routes."""

    def holding(connection: sqlite3.Connection, call: Call, asked: HoldRequest) -> Answer:
        return hold(connection, call, asked, lifetime=sandbox.settings.sandbox_hold_lifetime)

    post = ["POST"]
    return [
        Route("/gateway/holds", doing(sandbox, HoldRequest, holding), methods=post),
        Route("/gateway/holds/{hold_id}", looking_up(sandbox, "hold", "hold_id"), methods=["GET"]),
        Route("/gateway/holds/{hold_id}/captures", doing(sandbox, AmountRequest, capture), methods=post),
        Route("/gateway/holds/{hold_id}/void", doing(sandbox, Nothing, void), methods=post),
        Route("/gateway/captures/{capture_id}", looking_up(sandbox, "capture", "capture_id"), methods=["GET"]),
        Route("/gateway/captures/{capture_id}/refunds", doing(sandbox, AmountRequest, refund), methods=post),
    ]
