"""PaymentBook: the stored payments, and the steps from state to state, each of them taken once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from farandole import Store, UnitOfWork
from farandole_events.orders import OrderPlaced
from farandole_events.types import BillTo
from sqlalchemy import Row, select, update

from farandole_payments.gateway import Hold
from farandole_payments.payment import Payment, State, bill_of
from farandole_payments.tables import payment


class PaymentBook:
    """The payments of the service.

    Every step is a compare-and-set on the order's row, so of two handlers that race, in one process or in two, one
    takes it and both read the same outcome. The steps before the last are transactions of their own: what was asked of
    the gateway, and what it answered, must be known even if the handler dies in the next line.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin_hold(self, order: OrderPlaced, *, hold_key: str) -> Payment:
        """Note that the gateway is about to be asked for a hold, unless the order is known already."""
        values = {
            "order_id": order.order_id,
            "state": State.HOLDING,
            "cancelled": False,
            "amount_cents": order.total_cents,
            "currency": order.currency,
            "bill": msgspec.json.encode(bill_of(order)),
            "hold_key": hold_key,
        }
        async with self._store.transaction() as work:
            await work.execute(work.insert(payment).values(values).on_conflict_do_nothing())
            return await _read(work, order.order_id)

    async def held(self, order_id: str, hold: Hold) -> Payment:
        """Note the hold that the gateway made."""
        values = {"state": State.HELD, "hold_id": hold.hold_id, "expires_at": hold.expires_at}
        return await self._step(order_id, State.HOLDING, values)

    async def declined(self, order_id: str, reason: str) -> Payment:
        """Note that the card was declined."""
        return await self._step(order_id, State.HOLDING, {"state": State.DECLINED, "reason": reason})

    async def begin_capture(self, order_id: str) -> Payment | None:
        """Note that the gateway is about to be asked to capture, unless the order was cancelled first.

        Returns None where the order is not known at all.
        """
        async with self._store.transaction() as work:
            ready = (payment.c.state == State.HELD) & payment.c.cancelled.is_(False)
            await work.execute(
                update(payment).where(payment.c.order_id == order_id, ready).values(state=State.CAPTURING)
            )
            return await _find(work, order_id)

    async def captured(self, order_id: str, capture_id: str) -> Payment:
        """Note the capture that the gateway made."""
        return await self._step(order_id, State.CAPTURING, {"state": State.CAPTURED, "capture_id": capture_id})

    async def capture_failed(self, order_id: str, reason: str) -> Payment:
        """Note that the hold cannot be captured."""
        return await self._step(order_id, State.CAPTURING, {"state": State.CAPTURE_FAILED, "reason": reason})

    async def captured_elsewhere(self, order_id: str, capture_id: str) -> Payment:
        """Note a capture of a held payment that somebody else made, at the gateway's desk perhaps."""
        return await self._step(order_id, State.HELD, {"state": State.CAPTURED, "capture_id": capture_id})

    async def cancel(self, order_id: str) -> Payment:
        """Note that the order ended. An order that is not known yet leaves its tombstone."""
        tombstone = {"order_id": order_id, "state": State.UNHEARD, "cancelled": True}
        async with self._store.transaction() as work:
            await work.execute(
                work.insert(payment)
                .values(tombstone)
                .on_conflict_do_update(index_elements=[payment.c.order_id], set_={"cancelled": True})
            )
            return await _read(work, order_id)

    async def find(self, order_id: str) -> Payment | None:
        """Return an order's payment."""
        async with self._store.reading() as work:
            return await _find(work, order_id)

    async def page(self, *, after: str, limit: int) -> Sequence[Payment]:
        """Return up to ``limit`` payments by order id, beginning after one."""
        async with self._store.reading() as work:
            rows = await work.execute(
                select(payment).where(payment.c.order_id > after).order_by(payment.c.order_id).limit(limit)
            )
            return [_payment(row) for row in rows.all()]

    async def _step(self, order_id: str, start: State, values: dict[str, Any]) -> Payment:
        async with self._store.transaction() as work:
            await step(work, order_id, start, values)
            return await _read(work, order_id)


async def step(work: UnitOfWork, order_id: str, start: State, values: dict[str, Any]) -> bool:
    """Take a step from the state ``start``; say whether it was taken here, and not before or elsewhere."""
    taken = await work.execute(
        update(payment)
        .where(payment.c.order_id == order_id, payment.c.state == start)
        .values(values)
        .returning(payment.c.order_id)
    )
    return taken.first() is not None


async def _read(work: UnitOfWork, order_id: str) -> Payment:
    found = await _find(work, order_id)
    assert found is not None, "the row was written in this transaction"
    return found


async def _find(work: UnitOfWork, order_id: str) -> Payment | None:
    row = (await work.execute(select(payment).where(payment.c.order_id == order_id))).first()
    return None if row is None else _payment(row)


def _payment(row: Row[Any]) -> Payment:
    return Payment(
        order_id=row.order_id,
        state=State(row.state),
        cancelled=row.cancelled,
        amount_cents=row.amount_cents,
        currency=row.currency,
        bill=None if row.bill is None else msgspec.json.decode(row.bill, type=BillTo),
        hold_key=row.hold_key,
        hold_id=row.hold_id,
        expires_at=row.expires_at,
        capture_id=row.capture_id,
        refund_id=row.refund_id,
        reason=row.reason,
    )
