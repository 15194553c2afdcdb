"""Running: the demo on a mesh: place, wait, drain, read the books, audit."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from farandole import audit as deliveries
from farandole import installed
from farandole.contexts import target_of
from farandole.local.state import MeshState

from farandole_sandbox.demo import northwind
from farandole_sandbox.demo.audit.audit import audit
from farandole_sandbox.demo.draining import Drain, status_of
from farandole_sandbox.demo.errand import errands
from farandole_sandbox.demo.outcome import Outcome
from farandole_sandbox.demo.progress import Progress
from farandole_sandbox.demo.reading import read_books
from farandole_sandbox.demo.shop import CONNECTIONS, Shop, ShopClosed
from farandole_sandbox.demo.waiting import Counter, Stalled, until_ended


class Running:
    """One demo on one mesh. ``began`` is when the command was called, in seconds since the epoch."""

    def __init__(self, mesh: MeshState, client: httpx2.AsyncClient, progress: Progress, *, began: float) -> None:
        self._mesh = mesh
        self._client = client
        self._progress = progress
        self._began = began
        self._counter = Counter(client, mesh.url("orders"))
        self._shop = Shop(client, mesh.url("orders"), run=uuid.uuid4().hex[:8], heard=self._accepted)

    async def run(self, count: int, *, beside: asyncio.Task[Any] | None = None) -> Outcome:
        """Place so many orders and see them through, and what happens ``beside``: the books are read after both."""
        troubles = await self._orders(count)
        if beside is not None:
            troubles += await finished(beside, hopeless=bool(troubles))
        self._progress.tell("waiting until nobody has anything left to do")
        drain = Drain(self._mesh, self._client)
        left = await drain.until_empty()
        if not left.is_empty:
            troubles.append(f"the mesh does not come to rest; left are {left}")
        self._progress.tell("reading the books")
        books = await read_books(self._mesh, self._client, self._shop.receipts.placed)
        troubles += await self._unaccounted()
        return Outcome(
            receipts=self._shop.receipts,
            books=books,
            audit=await asyncio.to_thread(audit, books),
            dropped=await self._dropped(),
            troubles=[*troubles, *self._shop.receipts.surprises],
        )

    async def _orders(self, count: int) -> list[str]:
        """Place the orders and wait for their ends; return what went wrong, in words."""
        await self._counter.begin()
        placing = asyncio.ensure_future(self._shop.place_all(errands(northwind.orders(), count)))
        try:
            await until_ended(
                self._counter,
                wanted=count,
                placed=lambda: len(self._shop.receipts.placed),
                placing=placing,
                show=self._progress.show,
                held=self._held,
            )
        except ShopClosed as closed:
            return [str(closed)]
        except Stalled as stalled:
            return [f"{stalled}; {await self._where()}"]
        finally:
            placing.cancel()
        return []

    async def _unaccounted(self) -> list[str]:
        """Return, in words, which deliveries of this demo's events are lost or stranded."""
        services = installed.services()
        target = target_of(Path(self._mesh.home), services)
        report = await deliveries.audit(target, services, since=datetime.fromtimestamp(self._began, UTC))
        return [
            f"{one.kind}: {one.event_id or one.key} of {one.service}, {one.where}: {one.what}"
            for one in report.findings
        ]

    async def _held(self) -> int:
        """Return how many retries wait until they are due, and tell: orders may wait for them for minutes."""
        held = (await Drain(self._mesh, self._client).look()).held
        if held:
            self._progress.tell(f"{held} retries wait until they are due")
        return held

    async def _where(self) -> str:
        """Say which orders are open and where they are."""
        open_orders = await self._counter.open_orders({one.order_id for one in self._shop.receipts.placed})
        left = await Drain(self._mesh, self._client).look()
        return "; ".join([*map(str, open_orders), f"left to do are {left}"])

    async def _dropped(self) -> int:
        told = [await status_of(self._client, process.url) for process in self._mesh.services]
        return sum(int(status["totals"]["dropped"]) for status in told if status is not None)

    def _accepted(self) -> None:
        if len(self._shop.receipts.placed) == 1:
            self._progress.tell(f"first order accepted after {time.time() - self._began:.1f} s")


async def finished(beside: asyncio.Task[Any], *, hopeless: bool) -> list[str]:
    """Wait for what happens beside, unless the orders stand still already; return what became of it, in words."""
    if hopeless:
        beside.cancel()
    await asyncio.wait({beside})
    failure = None if beside.cancelled() else beside.exception()
    return [f"what should happen beside did not: {failure}"] if failure is not None else []


def work_of(
    count: int, progress: Progress, *, beside: asyncio.Task[Any] | None = None
) -> Callable[[MeshState], Coroutine[Any, Any, Outcome]]:
    """Return the work of a demo of so many orders, for a mesh that will be there."""
    began = time.time()

    async def work(mesh: MeshState) -> Outcome:
        limits = httpx2.Limits(max_connections=2 * CONNECTIONS)
        async with httpx2.AsyncClient(limits=limits) as client:
            return await Running(mesh, client, progress, began=began).run(count, beside=beside)

    return work
