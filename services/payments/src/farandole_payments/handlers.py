"""The handlers of payments.

A cancellation may arrive before, during or after every other step. The rule: it marks the order's row, and whoever
finds money held or taken in a marked row gives it back. A handler that is asking the gateway at that moment reads the
row again when it notes the answer, and so finds the mark.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog
from farandole import Backoff, Clock, Delivery, FollowOn, Reject, Retry, UnitOfWork
from farandole_events.orders import OrderCancelled, OrderPlaced
from farandole_events.payments import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
)
from farandole_events.shipments import ShipmentDispatched

from farandole_payments.announcement import answered, taken
from farandole_payments.book import PaymentBook
from farandole_payments.compensation import lift, pay_back
from farandole_payments.gateway import AlreadyCaptured, CaptureFailed, CardDeclined, Hold, PaymentGateway
from farandole_payments.payment import Payment, State
from farandole_payments.service import service
from farandole_payments.settings import PaymentsSettings

log = structlog.get_logger(__name__)

GATEWAY: Final = "payment-gateway"
PATIENCE: Final = Backoff(first=timedelta(seconds=1), factor=4, attempts=6)


@service.on(OrderPlaced, depends_on=GATEWAY, retry=PATIENCE)
async def authorise(
    order: OrderPlaced,
    *,
    book: PaymentBook,
    gateway: PaymentGateway,
    settings: PaymentsSettings,
    clock: Clock,
    work: UnitOfWork,
    delivery: Delivery,
) -> FollowOn[PaymentAuthorised] | FollowOn[PaymentDeclined] | FollowOn[PaymentVoided] | None:
    """Hold the order's total on the customer's card, once, however often the event arrives.

    A run that died may have left a hold that nobody noted: a row in ``holding`` asks again under the same key, also
    when the order was cancelled since, and then lifts the hold.
    """
    payment = await book.begin_hold(order, hold_key=delivery.event_id)
    if payment.state is State.HOLDING:
        payment = await _hold(payment, order.payment_token, book, gateway)
        _warn_of_a_short_hold(payment, settings, clock)
    return await lift(payment, gateway, work) or answered(payment)


@service.on(ShipmentDispatched, depends_on=GATEWAY, retry=PATIENCE)
async def capture(
    shipment: ShipmentDispatched, book: PaymentBook, gateway: PaymentGateway, work: UnitOfWork
) -> tuple[FollowOn[PaymentCaptured] | FollowOn[PaymentCaptureFailed] | FollowOn[PaymentRefunded], ...]:
    """Take the held money now that the goods left, once; pay it back if the order was cancelled meanwhile."""
    payment = await book.begin_capture(shipment.order_id)
    if payment is None or (payment.state is State.HOLDING and not payment.cancelled):
        raise Retry("the order's money is not held yet")
    if payment.state is State.DECLINED:
        raise Reject(f"goods of {payment.order_id} left although its card was declined: {payment.reason}")
    if payment.state is State.CAPTURING:
        payment = await _capture(payment, book, gateway)
    if payment.state in (State.UNHEARD, State.HOLDING):
        return ()
    told = (taken(payment), await pay_back(payment, gateway, work))
    return tuple(one for one in told if one is not None)


@service.on(OrderCancelled, depends_on=GATEWAY, retry=PATIENCE)
async def cancel(
    order: OrderCancelled, book: PaymentBook, gateway: PaymentGateway, work: UnitOfWork
) -> FollowOn[PaymentVoided] | FollowOn[PaymentRefunded] | None:
    """Give back what is held or taken. Where the gateway is being asked just now, whoever asks gives it back."""
    payment = await book.cancel(order.order_id)
    try:
        return await lift(payment, gateway, work) or await pay_back(payment, gateway, work)
    except AlreadyCaptured as other:
        payment = await book.captured_elsewhere(payment.order_id, other.capture_id)
    return await pay_back(payment, gateway, work)


async def _hold(payment: Payment, token: str, book: PaymentBook, gateway: PaymentGateway) -> Payment:
    try:
        hold: Hold = await gateway.hold(payment.order_id, payment.amount, token, idempotency_key=payment.hold_key)
    except CardDeclined as declined:
        return await book.declined(payment.order_id, declined.reason)
    return await book.held(payment.order_id, hold)


async def _capture(payment: Payment, book: PaymentBook, gateway: PaymentGateway) -> Payment:
    try:
        capture_id = await gateway.capture(payment.hold_id, payment.amount, idempotency_key=payment.capture_key)
    except AlreadyCaptured as other:
        capture_id = other.capture_id
    except CaptureFailed as failed:
        return await book.capture_failed(payment.order_id, failed.reason)
    return await book.captured(payment.order_id, capture_id)


def _warn_of_a_short_hold(payment: Payment, settings: PaymentsSettings, clock: Clock) -> None:
    if payment.expires_at is None:
        return
    lives = payment.expires_at - clock.now()
    if lives < settings.shortest_hold:
        log.warning(
            "the hold may lapse before the goods leave",
            order_id=payment.order_id,
            lives=str(lives),
            needed=str(settings.shortest_hold),
            do="ask the gateway for longer holds, or shorten the deadline of backorders",
        )
