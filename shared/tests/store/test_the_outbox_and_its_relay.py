"""The outbox keeps its order, loses nothing between publishing and deleting, and has one relay at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from farandole.store import OutboxRow, Store
from sqlalchemy import Table, select, update

NOW = datetime(2026, 11, 1, 12, 0, 0, 1000, tzinfo=UTC)


def event(number: int) -> OutboxRow:
    return OutboxRow(
        id=f"e{number}",
        topic="orders",
        key=b"\xff" if number % 2 else None,
        headers=(("ce_id", b"\x00\xff"), ("ce_id", b"")),
        value=bytes(range(256)) if number % 2 else None,
        created=NOW,
    )


async def add(store: Store, *numbers: int) -> None:
    async with store.transaction() as work:
        for number in numbers:
            await store.outbox.add(work, event(number))


async def test_rows_come_back_byte_for_byte_in_the_order_in_which_they_were_added(store: Store):
    await add(store, 2, 1)
    await add(store, 3)

    assert await store.outbox.oldest(10) == [event(2), event(1), event(3)]
    assert await store.outbox.oldest(2) == [event(2), event(1)]


async def test_rows_of_a_transaction_that_rolls_back_are_never_seen(store: Store, table: Table):
    async def failing() -> None:
        async with store.transaction() as work:
            await store.outbox.add(work, event(1))
            await work.execute(table.insert(), {"order_id": "o", "amount": 1})
            raise LookupError

    with pytest.raises(LookupError):
        await failing()
    assert await store.outbox.oldest(10) == []


async def test_the_relay_is_woken_by_the_commit_and_only_by_it(store: Store):
    woken: list[int] = []
    store.outbox.on_added(lambda: woken.append(1))

    async with store.transaction() as work:
        await store.outbox.add(work, event(1))
        await store.outbox.add(work, event(2))
        assert woken == []
    assert woken == [1]
    async with store.transaction() as work:
        await work.execute(select(1))
    assert woken == [1]


async def test_a_published_batch_is_deleted_and_the_next_one_goes_on_behind_it(store: Store):
    await add(store, *range(5))

    async with store.outbox.batch(3) as first:
        assert [row.id for row in first] == ["e0", "e1", "e2"]
    async with store.outbox.batch(3) as second:
        assert [row.id for row in second] == ["e3", "e4"]
    async with store.outbox.batch(3) as third:
        assert third == []


async def test_a_crash_between_publishing_and_deleting_hands_the_same_rows_out_again(store: Store, peer: Store):
    await add(store, 1, 2)

    async def crash() -> None:
        async with store.outbox.batch(10):
            raise LookupError

    with pytest.raises(LookupError):
        await crash()
    async with peer.outbox.batch(10) as again:
        assert again == [event(1), event(2)]


async def test_a_second_relay_finds_nothing_to_do_while_the_first_one_publishes(store: Store, peer: Store):
    await add(store, 1, 2)

    async with store.outbox.batch(1) as mine:
        assert [row.id for row in mine] == ["e1"]
        async with peer.outbox.batch(1) as theirs:
            assert theirs == []
    async with peer.outbox.batch(1) as theirs:
        assert [row.id for row in theirs] == ["e2"]


async def test_rows_are_added_while_the_relay_publishes(store: Store):
    await add(store, 1)
    async with store.outbox.batch(10) as rows:
        await asyncio.wait_for(add(store, 2), 5)
        assert [row.id for row in rows] == ["e1"]
    assert [row.id for row in await store.outbox.oldest(10)] == ["e2"]


async def test_an_event_that_waits_already_is_not_added_twice(store: Store):
    await add(store, 1, 2)
    await add(store, 1, 3)

    assert [row.id for row in await store.outbox.oldest(10)] == ["e1", "e2", "e3"]


async def test_of_two_transactions_on_one_row_the_first_to_get_it_is_first_in_the_outbox(
    store: Store, peer: Store, table: Table, until_waiting: Callable[[Store], Awaitable[None]]
):
    async with store.transaction() as work:
        await work.execute(table.insert(), {"order_id": "o", "amount": 0})
    locked, let_go = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with store.transaction() as work:
            await work.execute(update(table).values(amount=1))
            locked.set()
            await let_go.wait()
            await store.outbox.add(work, event(1))

    async def second() -> None:
        async with peer.transaction() as work:
            await peer.outbox.add(work, event(2))
            await work.execute(update(table).values(amount=2))

    one = asyncio.create_task(first())
    await locked.wait()
    two = asyncio.create_task(second())
    await until_waiting(store)
    let_go.set()
    await asyncio.gather(one, two)

    assert [row.id for row in await store.outbox.oldest(10)] == ["e1", "e2"]


async def test_a_delivery_may_add_to_the_outbox_too(store: Store):
    async with store.delivery("s", "e", 0, b"") as delivery:
        await store.outbox.add(delivery.work, event(1))
        await delivery.finish(())
    async with store.delivery("s", "never", 0, b"") as delivery:
        await store.outbox.add(delivery.work, event(2))

    assert [row.id for row in await store.outbox.oldest(10)] == ["e1"]
