"""Listing: reads orders for their pages. Nothing here waits for a writer."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from farandole.envelope import rfc3339
from sqlalchemy import Row, func, select

from farandole_orders.links import links_of
from farandole_orders.refusal import no_such_order
from farandole_orders.standing import Status
from farandole_orders.tables import history, orders
from farandole_orders.turnstile import Turnstile

_BRIEF: Final = (
    orders.c.seq,
    orders.c.order_id,
    orders.c.reference,
    orders.c.customer_id,
    orders.c.status,
    orders.c.cause,
    orders.c.cancellation,
    orders.c.total_cents,
    orders.c.currency,
    orders.c.placed_at,
    orders.c.updated_at,
    orders.c.ended_at,
)


class Listing:
    """The pages of orders, as values that become JSON."""

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile = turnstile

    async def order(self, order_id: str) -> dict[str, Any]:
        """Return an order with its history, oldest first.

        Raises:
            Refusal: there is no such order.
        """
        async with self._turnstile.reading() as work:
            row = (await work.execute(select(orders).where(orders.c.order_id == order_id))).first()
            if row is None:
                raise no_such_order()
            entries = await work.execute(select(history).where(history.c.order_id == order_id).order_by(history.c.seq))
            told = [_entry(entry) for entry in entries]
        return {**_brief(row), "reason": row.reason, **json.loads(row.document), "flow": row.flow, "history": told}

    async def page(self, *, status: Status | None, after: int, limit: int) -> dict[str, Any]:
        """Return up to ``limit`` orders in the order of their acceptance, from behind ``after``."""
        query = select(*_BRIEF).where(orders.c.seq > after).order_by(orders.c.seq).limit(limit)
        if status is not None:
            query = query.where(orders.c.status == status)
        async with self._turnstile.reading() as work:
            rows = (await work.execute(query)).all()
        last = rows[-1].seq if len(rows) == limit else None
        return {"orders": [_brief(row) for row in rows], "after": last, "next": _next(status, last, limit)}

    async def summary(self) -> dict[str, Any]:
        """Return how many orders have each status."""
        async with self._turnstile.reading() as work:
            counted = await work.execute(
                select(orders.c.status, func.count().label("number")).group_by(orders.c.status)
            )
        found = {row.status: int(row.number) for row in counted}
        counts = {status.value: found.get(status.value, 0) for status in Status}
        ended = sum(counts[status.value] for status in Status if status.is_terminal)
        total = sum(counts.values())
        return {"total": total, "open": total - ended, "ended": ended, "by_status": counts}


def _brief(row: Row[Any]) -> dict[str, Any]:
    return {
        "order_id": row.order_id,
        "reference": row.reference,
        "customer_id": row.customer_id,
        "status": row.status,
        "cause": row.cause,
        "cancellation": row.cancellation,
        "total_cents": row.total_cents,
        "currency": row.currency,
        "placed_at": rfc3339(row.placed_at),
        "updated_at": rfc3339(row.updated_at),
        "ended_at": _moment(row.ended_at),
        "links": links_of(row.order_id),
    }


def _entry(row: Row[Any]) -> dict[str, Any]:
    return {
        "event": row.event,
        "event_id": row.event_id,
        "cause": row.cause,
        "note": row.note,
        "status": row.status,
        "occurred_at": rfc3339(row.occurred_at),
        "recorded_at": rfc3339(row.recorded_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _next(status: Status | None, last: int | None, limit: int) -> str | None:
    if last is None:
        return None
    chosen = {} if status is None else {"status": status.value}
    return "/orders?" + urlencode({**chosen, "after": last, "limit": limit})
