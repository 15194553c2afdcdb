"""Compensation: what is held or taken for a cancelled order goes back, once, whoever comes to do it.

The idempotency keys come from the hold and from the capture, so a second handler that does the same asks for nothing
new. The last step is taken in the delivery's own transaction: whoever takes it also publishes it.
"""

from __future__ import annotations

from farandole import FollowOn, UnitOfWork
from farandole_events.payments import PaymentRefunded, PaymentVoided

from farandole_payments.book import step
from farandole_payments.gateway import PaymentGateway
from farandole_payments.payment import Payment, State


async def lift(payment: Payment, gateway: PaymentGateway, work: UnitOfWork) -> FollowOn[PaymentVoided] | None:
    """Void the hold of a cancelled order; nothing where it holds nothing. Raises AlreadyCaptured."""
    if not (payment.cancelled and payment.state is State.HELD):
        return None
    await gateway.void(payment.hold_id, idempotency_key=payment.void_key)
    if not await step(work, payment.order_id, State.HELD, {"state": State.VOIDED}):
        return None
    event = PaymentVoided(order_id=payment.order_id, hold_id=payment.hold_id)
    return FollowOn(event=event, join=payment.order_id)


async def pay_back(payment: Payment, gateway: PaymentGateway, work: UnitOfWork) -> FollowOn[PaymentRefunded] | None:
    """Refund the capture of a cancelled order; nothing where nothing was taken."""
    if not (payment.cancelled and payment.state is State.CAPTURED):
        return None
    refund_id = await gateway.refund(payment.capture_id, payment.amount, idempotency_key=payment.refund_key)
    if not await step(work, payment.order_id, State.CAPTURED, {"state": State.REFUNDED, "refund_id": refund_id}):
        return None
    event = PaymentRefunded(
        order_id=payment.order_id,
        capture_id=payment.capture_id,
        refund_id=refund_id,
        amount_cents=payment.amount_cents,
        currency=payment.currency,
    )
    return FollowOn(event=event, join=payment.order_id)
