"""Acceptance: takes an order, so that it is in the database together with its event before the client hears of it."""

from __future__ import annotations

import json

from farandole import Clock, Outbox

from farandole_orders.chronicle import Entry, record
from farandole_orders.idempotency import Answer, IdempotencyKeys, KeyedRequest
from farandole_orders.links import links_of
from farandole_orders.place import new_order_id, order_row, placed_event, placed_event_id
from farandole_orders.request import OrderRequest
from farandole_orders.standing import Status
from farandole_orders.tables import orders
from farandole_orders.turnstile import Turnstile


class Acceptance:
    """Places orders. Belongs to one event loop; requests under different keys run concurrently."""

    def __init__(self, *, turnstile: Turnstile, outbox: Outbox, keys: IdempotencyKeys, clock: Clock) -> None:
        self._turnstile = turnstile
        self._outbox = outbox
        self._keys = keys
        self._clock = clock

    async def place(self, request: OrderRequest, keyed: KeyedRequest) -> Answer:
        """Place an order and return the answer; a request that was done before only returns its answer.

        Key, order, history and event are one transaction, which is committed when this returns.

        Raises:
            Refusal: the key is in use (409) or was used for another body (422).
            StoreUnavailableError: nothing is known to be committed; the same key tells later.
        """
        now = self._clock.now()
        placed = placed_event(request, order_id=new_order_id(), now=now)
        answer = Answer(status=202, body=_accepted(placed.order_id))
        event_id = placed_event_id(placed.order_id)
        with self._keys.held(keyed.name):
            async with self._turnstile.transaction() as work:
                earlier = await self._keys.claim(work, keyed, answer)
                if earlier is not None:
                    return earlier
                await work.execute(orders.insert().values(**order_row(placed, now=now)))
                entry = Entry(
                    order_id=placed.order_id,
                    event_id=event_id,
                    event=type(placed).__name__,
                    status=Status.PLACED,
                    occurred_at=now,
                    recorded_at=now,
                )
                await record(work, entry)
                await self._outbox.add(work, placed, event_id=event_id)
        return answer


def _accepted(order_id: str) -> bytes:
    told = {"order_id": order_id, "status": Status.PLACED, "links": links_of(order_id)}
    return json.dumps(told).encode()
