"""Waiting: until every order has ended, and what to say when nothing moves any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx2
import msgspec

from farandole_sandbox.demo.tally import Tally, difference

PATIENCE: Final = timedelta(seconds=60)
TICK: Final = timedelta(milliseconds=500)
_TIMEOUT: Final = 5.0
_PAGE: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenOrder:
    """An order that has not ended: where it stands and the last event that it heard."""

    order_id: str
    reference: str
    status: str
    last_event: str

    def __str__(self) -> str:
        return f"{self.reference} ({self.order_id}) is {self.status} since {self.last_event}"


class Stalled(Exception):  # noqa: N818 - it says what happened
    """Nothing has moved for longer than patience lasts."""

    def __init__(self, patience: timedelta) -> None:
        super().__init__(f"nothing has moved for {patience.total_seconds():g} s")


class Counter:
    """Asks the order service how many orders have which status. An answer that does not come is no news."""

    def __init__(self, client: httpx2.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url
        self._before: Mapping[str, int] | None = None

    async def by_status(self) -> Mapping[str, int] | None:
        """Return the demo's orders by status, or None while nobody answers."""
        told = await self._ask("/orders/summary")
        if told is None:
            return None
        now: Mapping[str, int] = told["by_status"]
        if self._before is None:
            self._before = now
        return difference(now, self._before)

    async def begin(self) -> None:
        """Wait for the order service and remember the orders that are there already. They are not the demo's."""
        while await self.by_status() is None:  # noqa: ASYNC110 - another process gets ready, which sets no event
            await asyncio.sleep(TICK.total_seconds() / 5)

    async def open_orders(self, ids: Collection[str], *, most: int = 20) -> list[OpenOrder]:
        """Return the first of these orders that have not ended, with the last event that each heard."""
        found = [one for one in await self._all_orders() if one["order_id"] in ids and one["ended_at"] is None]
        return [await self._open_order(one) for one in found[:most]]

    async def _open_order(self, brief: Mapping[str, Any]) -> OpenOrder:
        told = await self._ask(f"/orders/{brief['order_id']}") or {}
        last = (told.get("history") or [{"event": "?", "recorded_at": "?"}])[-1]
        return OpenOrder(
            order_id=brief["order_id"],
            reference=brief["reference"],
            status=brief["status"],
            last_event=f"{last['event']} at {last['recorded_at']}",
        )

    async def _all_orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = 0
        while (page := await self._ask(f"/orders?limit={_PAGE}&after={after}")) is not None:
            found += page["orders"]
            if page["after"] is None:
                break
            after = page["after"]
        return found

    async def _ask(self, path: str) -> Any:
        try:
            answer = await self._client.get(self._url + path, timeout=_TIMEOUT)
        except httpx2.TransportError:
            return None
        return msgspec.json.decode(answer.content) if answer.status_code == 200 else None


async def until_ended(
    counter: Counter,
    *,
    wanted: int,
    placed: Callable[[], int],
    placing: asyncio.Future[None],
    show: Callable[[Tally], None],
    held: Callable[[], Awaitable[int]],
    patience: timedelta = PATIENCE,
    tick: timedelta = TICK,
) -> None:
    """Return when all orders are placed and have ended.

    Raises:
        Stalled: nothing has moved for as long as ``patience``, and no retry is ``held`` until it is due.
    """
    moved, last = time.monotonic(), None
    while True:
        by_status = await counter.by_status()
        done = placing.done()
        if done:
            placing.result()
        now = (placed(), by_status)
        if now != last and by_status is not None:
            moved, last = time.monotonic(), now
        if by_status is not None:
            tally = Tally(
                wanted=wanted, placed=placed(), completed=by_status["completed"], cancelled=by_status["cancelled"]
            )
            show(tally)
            if done and tally.open <= 0:
                return
        if time.monotonic() - moved > patience.total_seconds():
            if not await held():
                raise Stalled(patience)
            moved = time.monotonic()
        await asyncio.sleep(tick.total_seconds())
