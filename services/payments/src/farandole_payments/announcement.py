"""Announcement: the event that tells of a payment's state. A pure function of the row, so a re-run tells the same.

An order has one hold, one capture and one end: their events take their ids from the order, so that whichever delivery
comes to publish them publishes the same event.
"""

from __future__ import annotations

from typing import TypeAlias

from farandole import FollowOn
from farandole_events.payments import PaymentAuthorised, PaymentCaptured, PaymentCaptureFailed, PaymentDeclined

from farandole_payments.payment import Payment, State

Answered: TypeAlias = FollowOn[PaymentAuthorised] | FollowOn[PaymentDeclined] | None
Taken: TypeAlias = FollowOn[PaymentCaptured] | FollowOn[PaymentCaptureFailed] | None


def answered(payment: Payment) -> Answered:
    """Tell what the gateway answered when it was asked for a hold; nothing of a hold that is or will be lifted."""
    if payment.state is State.DECLINED:
        return FollowOn(event=PaymentDeclined(order_id=payment.order_id, reason=payment.reason), join=payment.order_id)
    lifted = payment.state is State.VOIDED or (payment.state is State.HELD and payment.cancelled)
    if lifted or not payment.hold_id or payment.expires_at is None:
        return None
    event = PaymentAuthorised(
        order_id=payment.order_id,
        hold_id=payment.hold_id,
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        expires_at=payment.expires_at,
    )
    return FollowOn(event=event, join=payment.order_id)


def taken(payment: Payment) -> Taken:
    """Tell what came of capturing, also where the money went back since: it was taken all the same."""
    assert payment.bill is not None, "a payment that was held has a bill"
    if payment.state is State.CAPTURE_FAILED:
        failed = PaymentCaptureFailed(
            order_id=payment.order_id,
            hold_id=payment.hold_id,
            amount_cents=payment.amount_cents,
            currency=payment.currency,
            reason=payment.reason,
            bill=payment.bill,
        )
        return FollowOn(event=failed, join=payment.order_id)
    if not payment.capture_id:
        return None
    event = PaymentCaptured(
        order_id=payment.order_id,
        capture_id=payment.capture_id,
        hold_id=payment.hold_id,
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        bill=payment.bill,
    )
    return FollowOn(event=event, join=payment.order_id)
