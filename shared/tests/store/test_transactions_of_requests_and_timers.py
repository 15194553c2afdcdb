"""An HTTP request or a timer writes in a transaction of its own; readers wait for no writer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from farandole.errors import FarandoleError
from farandole.store import Moment, Store, UnitOfWork
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Text, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

others = MetaData()
parents = Table("parents", others, Column("id", Text, primary_key=True), Column("due", Moment))
children = Table("children", others, Column("parent", Text, nullable=False), Column("n", Integer))


async def all_of(store: Store, table: Table) -> dict[str, int]:
    async with store.reading() as work:
        return {row.order_id: row.amount for row in await work.execute(select(table))}


async def test_a_clean_exit_commits_and_an_exception_rolls_back(store: Store, table: Table):
    async def failing() -> None:
        async with store.transaction() as work:
            await work.execute(table.insert(), {"order_id": "lost", "amount": 2})
            raise LookupError

    async with store.transaction() as work:
        await work.execute(table.insert(), [{"order_id": "a", "amount": 1}, {"order_id": "b", "amount": 2}])
    with pytest.raises(LookupError):
        await failing()

    assert await all_of(store, table) == {"a": 1, "b": 2}


async def test_hooks_are_called_once_and_only_after_the_commit(store: Store, table: Table):
    called: list[str] = []

    def hook() -> None:
        called.append("hook")

    async def failing() -> None:
        async with store.transaction() as work:
            work.on_commit(hook)
            await work.execute(table.insert(), {"order_id": "a", "amount": 1})
            raise LookupError

    with pytest.raises(LookupError):
        await failing()
    assert called == []

    async with store.transaction() as work:
        work.on_commit(hook)
        work.on_commit(hook)
        await work.execute(table.insert(), {"order_id": "a", "amount": 1})
        assert called == []
    assert called == ["hook"]


async def test_one_upsert_serves_both_databases(store: Store, table: Table):
    for amount in (3, 4):
        async with store.transaction() as work:
            row = work.insert(table).values(order_id="a", amount=amount)
            added = row.on_conflict_do_update(
                index_elements=[table.c.order_id], set_={"amount": table.c.amount + row.excluded.amount}
            )
            await work.execute(added)
            ignored = await work.execute(row.on_conflict_do_nothing().returning(table.c.amount))
            assert ignored.first() is None

    assert await all_of(store, table) == {"a": 7}


async def test_a_result_says_how_many_rows_changed_and_stays_readable_after_the_commit(store: Store, table: Table):
    async with store.transaction() as work:
        rows = [{"order_id": str(n), "amount": n} for n in range(5)]
        await work.execute(table.insert(), rows)
        changed = await work.execute(update(table).where(table.c.amount > 2).values(amount=0))
        returned = await work.execute(update(table).values(amount=9).returning(table.c.order_id))
        selected = await work.execute(select(table.c.order_id))

    assert changed.rowcount == 2
    assert sorted(returned.scalars()) == sorted(selected.scalars()) == ["0", "1", "2", "3", "4"]


async def test_a_join_that_locks_its_row_sees_the_half_that_came_first(
    store: Store, peer: Store, table: Table, until_waiting: Callable[[Store], Awaitable[None]]
):
    async with store.transaction() as work:
        await work.execute(table.insert(), {"order_id": "o", "amount": 0})
    locked, let_go = asyncio.Event(), asyncio.Event()

    async def half(one: Store, *, hold: bool) -> int:
        async with one.transaction() as work:
            found = work.for_update(select(table.c.amount).where(table.c.order_id == "o"))
            seen = int(await work.scalar(found))
            if hold:
                locked.set()
                await let_go.wait()
            await work.execute(update(table).values(amount=seen + 1))
            return seen + 1

    first = asyncio.create_task(half(store, hold=True))
    await locked.wait()
    second = asyncio.create_task(half(peer, hold=False))
    await until_waiting(store)
    let_go.set()

    assert [await first, await second] == [1, 2]


async def test_a_reader_neither_waits_for_a_writer_nor_sees_what_is_not_committed(store: Store, table: Table):
    async with store.transaction() as work:
        await work.execute(table.insert(), {"order_id": "a", "amount": 1})
        assert await asyncio.wait_for(all_of(store, table), 5) == {}
    assert await all_of(store, table) == {"a": 1}


async def test_a_reader_cannot_write(store: Store, table: Table):
    async def write() -> None:
        async with store.reading() as work:
            await work.execute(table.insert(), {"order_id": "a", "amount": 1})

    with pytest.raises((DBAPIError, FarandoleError)):
        await write()
    assert await all_of(store, table) == {}
    async with store.transaction() as work:
        await work.execute(table.insert(), {"order_id": "a", "amount": 1})


async def test_a_transaction_within_a_transaction_is_refused_rather_than_waited_for(store: Store, table: Table):
    async def nested() -> None:
        async with store.transaction() as outer:
            await outer.execute(table.insert(), {"order_id": "outer", "amount": 1})
            async with store.transaction() as inner:
                await inner.execute(table.insert(), {"order_id": "inner", "amount": 1})

    if (await dialect(store)) == "postgresql":
        await nested()  # two connections, two transactions: possible there, if unwise
        return
    with pytest.raises(FarandoleError, match="within its own transaction"):
        await asyncio.wait_for(nested(), 5)
    async with store.transaction() as work:
        await work.execute(table.insert(), {"order_id": "outer", "amount": 1})


async def dialect(store: Store) -> str:
    async with store.reading() as work:
        return work.dialect


async def test_a_task_that_a_handler_leaves_behind_holds_nothing(store: Store, peer: Store, table: Table):
    left: list[asyncio.Task[object]] = []

    async def careless(work: UnitOfWork) -> None:
        left.append(asyncio.create_task(work.execute(table.insert(), {"order_id": "left", "amount": 1})))
        await asyncio.sleep(0)

    async with store.transaction() as holder:
        await holder.execute(table.insert(), {"order_id": "holder", "amount": 1})
        async with peer.delivery("s", "e", 0, b"") as delivery:
            await careless(delivery.work)
    await asyncio.wait(left, timeout=10)

    async with peer.transaction() as work:
        await asyncio.wait_for(work.execute(table.insert(), {"order_id": "next", "amount": 1}), 5)
    assert await all_of(store, table) == {"holder": 1, "next": 1}


async def test_many_transactions_at_once_all_commit(store: Store, peer: Store, table: Table):
    async def one(number: int) -> None:
        async with (store if number % 2 else peer).transaction() as work:
            await work.execute(table.insert(), {"order_id": str(number), "amount": number})
            await asyncio.sleep(0)

    await asyncio.gather(*(one(number) for number in range(100)))
    assert len(await all_of(store, table)) == 100


async def test_foreign_keys_are_enforced(url: str):
    metadata = MetaData()
    parent = Table("parent", metadata, Column("id", Text, primary_key=True))
    child = Table("child", metadata, Column("parent", Text, ForeignKey(parent.c.id), nullable=False))
    store = Store(url, metadata=[metadata], service="s")
    await store.open()

    async def orphan() -> None:
        async with store.transaction() as work:
            await work.execute(child.insert(), {"parent": "nobody"})

    with pytest.raises(IntegrityError):
        await orphan()
    await store.close()


async def test_moments_come_back_in_utc_and_compare_as_moments(url: str):
    store = Store(url, metadata=[others], service="s")
    await store.open()
    noon = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
    paris = (noon + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=2)))
    async with store.transaction() as work:
        await work.execute(parents.insert(), [{"id": "a", "due": noon}, {"id": "b", "due": paris}])
        await work.execute(parents.insert(), {"id": "c"})

    async with store.reading() as work:
        due = (await work.execute(select(parents.c.due).order_by(parents.c.id))).scalars().all()
        early = (await work.execute(select(parents.c.id).where(parents.c.due < paris))).scalars().all()
    assert due == [noon, noon + timedelta(seconds=1), None]
    assert due[1].tzinfo is UTC
    assert early == ["a"]
    async with store.delivery("s", "e", 0, b"") as delivery:
        with pytest.raises(StatementError, match="has no time zone"):
            await delivery.work.execute(parents.insert(), {"id": "d", "due": datetime(2026, 1, 1)})  # noqa: DTZ001 - the point
    await store.close()
