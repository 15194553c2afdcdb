"""A handler's rows, the inbox row and the follow-ons commit together or not at all, however often the event arrives.

Two replicas are two stores on one database: their transactions meet where those of two processes would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from farandole.errors import FarandoleError
from farandole.store import AlreadyHandled, DeliveryWork, Store, StoredFollowOn, Tombstoned, inbox_id
from sqlalchemy import Table, func, select
from sqlalchemy.exc import IntegrityError

SOURCE, EVENT, DIGEST = "/orders", "7c6a", b"\x00digest\xff"
FOLLOW_ONS = (
    StoredFollowOn(
        event_id="f1",
        type="PaymentAuthorised",
        topic="payments",
        key=b"\xffkey",
        headers=(("ce_id", b"f1"), ("twice", b"\x00"), ("twice", b"\xfe")),
        value=bytes(range(256)),
    ),
    StoredFollowOn(event_id="f2", type="PaymentVoided", topic="payments", key=None, headers=(), value=None),
)


async def amounts(store: Store, table: Table) -> list[int]:
    async with store.reading() as work:
        return list((await work.execute(select(table.c.amount).order_by(table.c.amount))).scalars())


async def handle(store: Store, table: Table, *, attempt: int = 0, amount: int = 5) -> None:
    async with store.delivery(SOURCE, EVENT, attempt, DIGEST) as delivery:
        await delivery.work.execute(table.insert(), {"order_id": f"order-{amount}", "amount": amount})
        await delivery.finish(FOLLOW_ONS)


class Held:
    """A delivery that has written its row and is held before COMMIT, until it is let go."""

    def __init__(self, store: Store, table: Table, attempt: int = 0) -> None:
        self.wrote = asyncio.Event()
        self.let_go = asyncio.Event()
        self.task = asyncio.create_task(self._run(store, table, attempt))

    async def _run(self, store: Store, table: Table, attempt: int) -> None:
        async with store.delivery(SOURCE, EVENT, attempt, DIGEST) as delivery:
            await delivery.work.execute(table.insert(), {"order_id": "held", "amount": 1})
            self.wrote.set()
            await self.let_go.wait()
            await delivery.finish(FOLLOW_ONS)


async def test_rows_inbox_row_and_follow_ons_commit_together(store: Store, table: Table):
    await handle(store, table)

    entry = (await store.handled([(SOURCE, EVENT)]))[SOURCE, EVENT]
    assert await amounts(store, table) == [5]
    assert (entry.state, entry.attempt, entry.digest) == ("handled", 0, DIGEST)
    assert abs(entry.handled_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_stored_follow_ons_come_back_byte_for_byte_and_in_order(store: Store, peer: Store, table: Table):
    await handle(store, table)

    with pytest.raises(AlreadyHandled) as hit:
        await handle(peer, table, amount=6)

    assert hit.value.entry.follow_ons == FOLLOW_ONS
    assert (await peer.handled([(SOURCE, EVENT)]))[SOURCE, EVENT] == hit.value.entry
    assert await amounts(store, table) == [5]


async def test_a_handler_that_never_uses_the_database_is_remembered_too(store: Store):
    async with store.delivery(SOURCE, EVENT, 3, DIGEST) as delivery:
        assert not delivery.opened
        await delivery.finish(FOLLOW_ONS)

    entry = (await store.handled([(SOURCE, EVENT)]))[SOURCE, EVENT]
    assert (entry.attempt, entry.follow_ons) == (3, FOLLOW_ONS)


async def test_a_handler_that_never_uses_the_database_meets_the_hit_at_finish(store: Store, table: Table):
    await handle(store, table)

    async with store.delivery(SOURCE, EVENT, 9, DIGEST) as delivery:
        with pytest.raises(AlreadyHandled):
            await delivery.finish(())


async def test_the_same_id_of_another_source_is_another_event(store: Store, table: Table):
    await handle(store, table)

    async with store.delivery("/elsewhere", EVENT, 0, DIGEST) as delivery:
        await delivery.finish(())

    found = await store.handled([(SOURCE, EVENT), ("/elsewhere", EVENT), ("/nowhere", EVENT)])
    assert set(found) == {(SOURCE, EVENT), ("/elsewhere", EVENT)}


async def test_an_exception_in_the_handler_leaves_nothing(store: Store, table: Table):
    async def failing() -> None:
        async with store.delivery(SOURCE, EVENT, 0, DIGEST) as delivery:
            await delivery.work.execute(table.insert(), {"order_id": "o", "amount": 1})
            raise LookupError

    with pytest.raises(LookupError):
        await failing()

    assert await amounts(store, table) == []
    assert await store.handled([(SOURCE, EVENT)]) == {}
    await handle(store, table)


async def test_leaving_without_finish_leaves_nothing(store: Store, table: Table):
    async with store.delivery(SOURCE, EVENT, 0, DIGEST) as delivery:
        await delivery.work.execute(table.insert(), {"order_id": "o", "amount": 1})

    assert await amounts(store, table) == []
    assert await store.handled([(SOURCE, EVENT)]) == {}


async def test_a_handler_that_swallows_the_hit_cannot_finish(store: Store, table: Table):
    await handle(store, table)

    async with store.delivery(SOURCE, EVENT, 0, DIGEST) as delivery:
        for _ in range(2):
            with pytest.raises(AlreadyHandled):
                await delivery.work.execute(table.insert(), {"order_id": "again", "amount": 6})
        with pytest.raises(AlreadyHandled):
            await delivery.finish(())

    assert await amounts(store, table) == [5]


async def test_a_violated_constraint_of_the_service_passes_as_it_is_and_ends_the_unit_of_work(
    store: Store, table: Table
):
    async with store.delivery(SOURCE, EVENT, 0, DIGEST) as delivery:
        await delivery.work.execute(table.insert(), {"order_id": "o", "amount": 1})
        with pytest.raises(IntegrityError) as violated:
            await delivery.work.execute(table.insert(), {"order_id": "o", "amount": 4242})
        with pytest.raises(FarandoleError, match="has failed and was rolled back"):
            await delivery.work.execute(select(1))
        with pytest.raises(FarandoleError, match="has failed and was rolled back"):
            await delivery.finish(())

    assert "4242" not in str(violated.value)
    assert await amounts(store, table) == []
    assert await store.handled([(SOURCE, EVENT)]) == {}


async def test_a_unit_of_work_that_outlives_its_delivery_is_refused(store: Store, table: Table):
    async with store.delivery(SOURCE, EVENT, 0, DIGEST) as delivery:
        await delivery.finish(())

    with pytest.raises(RuntimeError, match="has ended"):
        await delivery.work.execute(select(1))


async def test_of_two_deliveries_at_once_one_is_a_hit(
    store: Store, peer: Store, table: Table, until_waiting: Callable[[Store], Awaitable[None]]
):
    first = Held(store, table)
    await first.wrote.wait()
    second = asyncio.create_task(handle(peer, table))
    await until_waiting(store)
    assert not second.done()
    first.let_go.set()
    await first.task

    with pytest.raises(AlreadyHandled):
        await second
    assert await amounts(store, table) == [1]


async def test_of_two_deliveries_at_once_the_second_runs_where_the_first_rolls_back(
    store: Store, peer: Store, table: Table, until_waiting: Callable[[Store], Awaitable[None]]
):
    first = Held(store, table)
    await first.wrote.wait()
    second = asyncio.create_task(handle(peer, table))
    await until_waiting(store)
    first.task.cancel()
    await second

    assert await amounts(store, table) == [5]
    assert first.task.cancelled()


async def test_a_cancelled_handler_lets_the_next_one_write(store: Store, table: Table):
    first = Held(store, table)
    await first.wrote.wait()
    first.task.cancel()

    await asyncio.wait_for(handle(store, table), 5)
    assert await amounts(store, table) == [5]


async def test_a_handler_that_waits_before_its_first_statement_holds_nobody_up(store: Store, table: Table):
    answered, waiting = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with store.delivery(SOURCE, "slow", 0, DIGEST) as delivery:
            waiting.set()
            await answered.wait()
            await delivery.work.execute(table.insert(), {"order_id": "slow", "amount": 7})
            await delivery.finish(())

    task = asyncio.create_task(slow())
    await waiting.wait()
    await asyncio.wait_for(handle(store, table), 5)
    assert not task.done()
    answered.set()
    await task
    assert await amounts(store, table) == [5, 7]


async def test_statements_of_one_handler_given_at_once_run_one_after_the_other(store: Store, table: Table):
    async with store.delivery(SOURCE, EVENT, 0, DIGEST) as delivery:
        await asyncio.gather(
            *(delivery.work.execute(table.insert(), {"order_id": str(n), "amount": n}) for n in range(10))
        )
        await delivery.finish(())

    assert await amounts(store, table) == list(range(10))


async def test_looking_up_what_is_handled_waits_for_no_writer(store: Store, table: Table):
    held = Held(store, table)
    await held.wrote.wait()

    assert await asyncio.wait_for(store.handled([(SOURCE, EVENT)]), 5) == {}
    assert await asyncio.wait_for(amounts(store, table), 5) == []
    held.let_go.set()
    await held.task


async def test_a_whole_batch_is_looked_up_at_once(store: Store):
    for number in range(5):
        async with store.delivery(SOURCE, f"é'{number}", 0, DIGEST) as delivery:
            await delivery.finish(())

    found = await store.handled([(SOURCE, f"é'{number}") for number in range(50_000)])
    assert sorted(event_id for _, event_id in found) == [f"é'{number}" for number in range(5)]
    assert await store.handled([]) == {}


async def test_a_zombie_that_wakes_after_its_peer_gave_up_is_refused(store: Store, peer: Store, table: Table):
    async with store.delivery(SOURCE, EVENT, 2, DIGEST) as zombie:
        assert await peer.tombstone(SOURCE, EVENT, 2) is None
        with pytest.raises(Tombstoned):
            await zombie.work.execute(table.insert(), {"order_id": "zombie", "amount": 1})
        with pytest.raises(Tombstoned):
            await zombie.finish(FOLLOW_ONS)

    assert await amounts(store, table) == []
    assert await store.handled([(SOURCE, EVENT)]) == {}


async def test_a_zombie_held_before_its_commit_makes_its_peer_wait_and_then_find_the_event_handled(
    store: Store, peer: Store, table: Table, until_waiting: Callable[[Store], Awaitable[None]]
):
    zombie = Held(store, table, attempt=2)
    await zombie.wrote.wait()
    giving_up = asyncio.create_task(peer.tombstone(SOURCE, EVENT, 2))
    await until_waiting(store)
    assert not giving_up.done()
    zombie.let_go.set()
    await zombie.task

    entry = await giving_up
    assert entry is not None
    assert (entry.state, entry.follow_ons) == ("handled", FOLLOW_ONS)
    assert await amounts(store, table) == [1]


async def test_a_zombie_that_dies_before_its_commit_lets_its_peer_give_up(
    store: Store, peer: Store, table: Table, until_waiting: Callable[[Store], Awaitable[None]]
):
    zombie = Held(store, table, attempt=2)
    await zombie.wrote.wait()
    giving_up = asyncio.create_task(peer.tombstone(SOURCE, EVENT, 2))
    await until_waiting(store)
    zombie.task.cancel()

    assert await giving_up is None
    with pytest.raises(Tombstoned):
        await handle(store, table, attempt=2)


@pytest.mark.parametrize("attempt", [0, 1, 2])
async def test_a_tombstone_stops_its_attempt_and_lower_ones(store: Store, table: Table, attempt: int):
    await store.tombstone(SOURCE, EVENT, 2)

    with pytest.raises(Tombstoned) as lost:
        await handle(store, table, attempt=attempt)
    assert lost.value.entry.attempt == 2
    assert await amounts(store, table) == []


async def test_a_redrive_replaces_the_tombstone(store: Store, table: Table):
    await store.tombstone(SOURCE, EVENT, 2)

    await handle(store, table, attempt=3)

    entry = (await store.handled([(SOURCE, EVENT)]))[SOURCE, EVENT]
    assert (entry.state, entry.attempt, entry.digest, entry.follow_ons) == ("handled", 3, DIGEST, FOLLOW_ONS)
    assert await amounts(store, table) == [5]


async def test_a_redrive_that_fails_leaves_the_tombstone(store: Store, table: Table):
    await store.tombstone(SOURCE, EVENT, 2)
    async with store.delivery(SOURCE, EVENT, 3, DIGEST) as redrive:
        await redrive.work.execute(table.insert(), {"order_id": "o", "amount": 1})

    with pytest.raises(Tombstoned):
        await handle(store, table, attempt=2)


async def test_giving_up_again_at_a_higher_attempt_raises_the_tombstone_and_never_lowers_it(store: Store, table: Table):
    for attempt in (2, 4, 4, 3):
        assert await store.tombstone(SOURCE, EVENT, attempt) is None

    with pytest.raises(Tombstoned):
        await handle(store, table, attempt=4)
    await handle(store, table, attempt=5)


@pytest.mark.parametrize("attempt", [0, 7])
async def test_what_is_handled_is_never_given_up(store: Store, table: Table, attempt: int):
    await handle(store, table, attempt=1)

    entry = await store.tombstone(SOURCE, EVENT, attempt)

    assert entry is not None
    assert (entry.attempt, entry.follow_ons) == (1, FOLLOW_ONS)
    with pytest.raises(AlreadyHandled):
        await handle(store, table, attempt=attempt)


async def test_what_a_replay_skips_is_settled_without_effects_and_forgotten_with_age(store: Store, table: Table):
    key = inbox_id(EVENT, "r-1")
    assert await store.skip(SOURCE, key, 0) is None

    again = await store.skip(SOURCE, key, 0)
    assert again is not None
    assert (again.state, again.follow_ons) == ("skipped", ())
    assert list(await store.handled([(SOURCE, key), (SOURCE, EVENT)])) == [(SOURCE, key)]
    assert await store.tombstone(SOURCE, key, 0) == again
    with pytest.raises(AlreadyHandled):
        async with store.delivery(SOURCE, key, 0, DIGEST) as delivery:
            await delivery.finish(FOLLOW_ONS)
    await handle(store, table)
    assert await store.prune(datetime.now(UTC) + timedelta(seconds=1)) == 2


async def test_what_is_handled_is_not_skipped_and_what_is_given_up_stays_so(store: Store, table: Table):
    await handle(store, table)
    handled = await store.skip(SOURCE, EVENT, 0)
    assert handled is not None
    assert handled.follow_ons == FOLLOW_ONS

    await store.tombstone(SOURCE, "given-up", 1)
    assert await store.skip(SOURCE, "given-up", 1) is None
    states = [await store.remembered(SOURCE, one) for one in (EVENT, "given-up", "never-heard-of")]
    assert [one and one.state for one in states] == ["handled", "tombstone", None]


async def test_pruning_forgets_old_handled_events_and_keeps_every_tombstone(store: Store, table: Table):
    for number in range(1200):
        async with store.delivery(SOURCE, str(number), 0, DIGEST) as delivery:
            await delivery.finish(())
    await store.tombstone(SOURCE, EVENT, 2)
    between = datetime.now(UTC)
    await finish(store, "recent")

    assert await store.prune(between) == 1200

    assert list(await store.handled([(SOURCE, "7"), (SOURCE, "recent")])) == [(SOURCE, "recent")]
    with pytest.raises(Tombstoned):
        await handle(store, table, attempt=2)


async def finish(store: Store, event_id: str) -> DeliveryWork:
    async with store.delivery(SOURCE, event_id, 0, DIGEST) as delivery:
        await delivery.finish(())
    return delivery


async def test_a_pruned_event_can_be_handled_again(store: Store, table: Table):
    await finish(store, EVENT)
    await store.prune(datetime.now(UTC) + timedelta(seconds=1))

    await handle(store, table)

    async with store.reading() as work:
        assert await work.scalar(select(func.count()).select_from(table)) == 1


async def test_pruning_lets_others_have_a_turn(store: Store):
    for number in range(1200):
        await finish(store, str(number))
    pruning = asyncio.create_task(store.prune(datetime.now(UTC) + timedelta(seconds=1)))
    await asyncio.sleep(0)
    await finish(store, "between")

    assert not pruning.done()
    assert await pruning >= 1200
