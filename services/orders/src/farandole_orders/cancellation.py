"""Cancellation desk: takes the wish to cancel an order. The warehouse decides; this only asks it."""

from __future__ import annotations

import json
from typing import Any

from farandole import Clock, Outbox, UnitOfWork
from farandole.identity import derived_id
from farandole_events import CancellationRequested
from sqlalchemy import Row, select, update

from farandole_orders.book import standing_of
from farandole_orders.chronicle import Entry, record
from farandole_orders.idempotency import Answer, IdempotencyKeys, KeyedRequest
from farandole_orders.links import links_of
from farandole_orders.refusal import Refusal, no_such_order
from farandole_orders.request import CancellationBody
from farandole_orders.standing import Cancellation, Standing
from farandole_orders.tables import orders
from farandole_orders.turnstile import Turnstile


class CancellationDesk:
    """Asks for cancellations, once for each order. Belongs to one event loop."""

    def __init__(self, *, turnstile: Turnstile, outbox: Outbox, keys: IdempotencyKeys, clock: Clock) -> None:
        self._turnstile = turnstile
        self._outbox = outbox
        self._keys = keys
        self._clock = clock

    async def request(self, order_id: str, body: CancellationBody, keyed: KeyedRequest) -> Answer:
        """Ask the warehouse to stop an order, unless it was asked before, and return the answer.

        Raises:
            Refusal: there is no such order (404), it has ended or the warehouse has refused (409), the key is in use
                (409) or was used for another body (422).
            StoreUnavailableError: nothing is known to be committed; the same key tells later.
        """
        with self._keys.held(keyed.name):
            async with self._turnstile.transaction() as work:
                row = (await work.execute(work.for_update(select(orders).where(orders.c.order_id == order_id)))).first()
                if row is None:
                    raise no_such_order()
                standing = standing_of(row)
                answer = Answer(status=202, body=_requested(order_id, standing))
                earlier = await self._keys.claim(work, keyed, answer)
                if earlier is not None:
                    return earlier
                _refuse_what_is_decided(standing)
                if standing.cancellation is None:
                    await self._ask(work, row, standing, body.reason)
        return answer

    async def _ask(self, work: UnitOfWork, row: Row[Any], standing: Standing, reason: str) -> None:
        now = self._clock.now()
        event_id = derived_id("cancellation-requested", row.order_id)
        await work.execute(
            update(orders).where(orders.c.seq == row.seq).values(cancellation=Cancellation.REQUESTED, updated_at=now)
        )
        await record(
            work,
            Entry(
                order_id=row.order_id,
                event_id=event_id,
                event=CancellationRequested.__name__,
                cause=row.flow,
                note=reason,
                status=standing.status,
                occurred_at=now,
                recorded_at=now,
            ),
        )
        # The flow's first event has the flow's id. Named as the cause, it gives the request its place in the tree.
        event = CancellationRequested(order_id=row.order_id, reason=reason)
        await self._outbox.add(work, event, event_id=event_id, flow=row.flow, causes=(row.flow,))


def _refuse_what_is_decided(standing: Standing) -> None:
    if standing.status.is_terminal:
        raise Refusal(
            f"the order is {standing.status}",
            status=409,
            kind="order-ended",
            why="an order that has ended stays as it ended",
        )
    if standing.cancellation is Cancellation.REFUSED:
        raise Refusal(
            "the order cannot be stopped any more",
            status=409,
            kind="cancellation-refused",
            why="the warehouse was asked before and has packed it",
            do="refuse the parcel, or send the goods back",
        )


def _requested(order_id: str, standing: Standing) -> bytes:
    told = {
        "order_id": order_id,
        "status": standing.status,
        "cancellation": Cancellation.REQUESTED,
        "links": links_of(order_id),
    }
    return json.dumps(told).encode()
