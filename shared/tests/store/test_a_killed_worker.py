"""kill -9 at any moment: business rows and inbox rows are there together or not at all, and nothing stays locked."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from farandole.store import Store
from sqlalchemy import Table, select

WORKER = Path(__file__).with_name("held_delivery.py")


@asynccontextmanager
async def worker(url: str, what: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), url, what, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()


async def parts_of(store: Store, table: Table) -> Counter[int]:
    async with store.reading() as work:
        return Counter((await work.execute(select(table.c.amount))).scalars())


async def test_a_worker_killed_before_its_commit_leaves_nothing_and_blocks_nobody(url: str, store: Store, table: Table):
    async with worker(url, "hold") as process:
        assert await line(process) == "held"
        again = asyncio.create_task(handle(store, table))
        await asyncio.sleep(0)
        assert await store.handled([("s", "0")]) == {}
        process.kill()
        await process.wait()
        await asyncio.wait_for(again, 10)

    assert await parts_of(store, table) == {0: 1}
    assert set(await store.handled([("s", "0")])) == {("s", "0")}


async def handle(store: Store, table: Table) -> None:
    async with store.delivery("s", "0", 0, b"") as delivery:
        await delivery.work.execute(table.insert(), {"order_id": "again", "amount": 0})
        await delivery.finish(())


@pytest.mark.parametrize("after", [5, 40])
async def test_a_worker_killed_anywhere_leaves_whole_deliveries_only(
    url: str, another: Callable[[], Store], table: Table, after: int
):
    async with worker(url, "run") as process:
        while int(await line(process)) < after:
            pass
        process.kill()
        await process.wait()

    store = another()
    await store.open()
    parts = await parts_of(store, table)
    handled = await store.handled([("s", str(number)) for number in range(max(parts) + 50)])
    await store.close()
    assert len(parts) >= after
    assert {int(event_id) for _, event_id in handled} == set(parts)
    assert set(parts.values()) == {3}
