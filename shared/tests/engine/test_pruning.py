"""Pruning is housekeeping: a database that is away when its hour comes does not end the service."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

from farandole import Service, UnitOfWork
from farandole.testing import Harness
from farandole_events import OrderCancelled
from sqlalchemy import MetaData


async def test_a_database_that_is_locked_when_it_is_to_be_pruned_is_pruned_an_hour_later(tmp_path: Path) -> None:
    service = Service("pruned", tables=MetaData())

    async def listen(event: OrderCancelled, work: UnitOfWork) -> None:
        pass

    service.on(OrderCancelled)(listen)
    file = tmp_path / "service.db"
    event = OrderCancelled(order_id="o-1", customer_id="c-1", reason="x", cause="customer")
    async with asyncio.timeout(60), Harness(service, database_url=f"sqlite:///{file}") as harness:
        await harness.deliver(event)
        await harness.advance(timedelta(days=30))
        assert rows(file) == 1
        assert harness.store is not None
        harness.store._database._patience = timedelta(milliseconds=50)
        with sqlite3.connect(file) as another:
            another.execute("BEGIN IMMEDIATE")
            await harness.advance(timedelta(hours=1))
            while harness.clock.next_wake is None:  # noqa: ASYNC110 - it sleeps again once it gave up
                await asyncio.sleep(0.01)
            another.rollback()
        await harness.advance(timedelta(hours=1))
        assert rows(file) == 0
        await harness.deliver(event)


def rows(file: Path) -> int:
    with sqlite3.connect(file) as outsider:
        return int(outsider.execute("SELECT count(*) FROM farandole_inbox").fetchone()[0])
