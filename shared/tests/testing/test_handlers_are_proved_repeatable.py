"""A handler that is proved repeatable leaves its database as it was when it runs again; one that is not is told how.

The proof must fail for each way of not being repeatable, with a sentence that names the handler and what changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from farandole import Clock, Reject, Service, UnitOfWork
from farandole.testing import Harness, assert_repeatable
from farandole_events import OrderCancelled, PaymentVoided, StockReleased
from sqlalchemy import Column, Integer, MetaData, String, Table, delete

CANCELLED = OrderCancelled(order_id="o-1", customer_id="c-1", reason="x", cause="customer")
RELEASED = StockReleased(order_id="o-1", reservation_id="r", lines=())

tables = MetaData()
books = Table(
    "books",
    tables,
    Column("order_id", String, primary_key=True),
    Column("times", Integer),
    Column("seen_at", String),
)
notes = Table("notes", tables, Column("text", String))

Steps = Callable[[UnitOfWork, Clock], Awaitable[object]]


def service_of(steps: Steps) -> Service:
    service = Service("books", tables=tables)

    @service.on(OrderCancelled)
    async def close(order: OrderCancelled, work: UnitOfWork, clock: Clock) -> StockReleased | None:
        await steps(work, clock)
        return RELEASED

    return service


def upsert(work: UnitOfWork, **columns: object) -> Awaitable[object]:
    row = work.insert(books).values(order_id="o-1", **columns)
    return work.execute(row.on_conflict_do_update(index_elements=["order_id"], set_=columns))


async def settles(work: UnitOfWork, clock: Clock) -> None:
    await upsert(work, times=1)


async def counts(work: UnitOfWork, clock: Clock) -> None:
    row = work.insert(books).values(order_id="o-1", times=1)
    await work.execute(row.on_conflict_do_update(index_elements=["order_id"], set_={"times": books.c.times + 1}))


async def appends(work: UnitOfWork, clock: Clock) -> None:
    await work.execute(notes.insert().values(text="cancelled"))


async def takes_away(work: UnitOfWork, clock: Clock) -> None:
    await work.execute(delete(books))
    if clock.now().second == 0:
        await upsert(work, times=1)


async def tells_the_time(work: UnitOfWork, clock: Clock) -> None:
    await upsert(work, seen_at=clock.now().isoformat())


async def fails_the_second_time(work: UnitOfWork, clock: Clock) -> None:
    await work.execute(books.insert().values(order_id="o-1", times=1))


async def rejects(work: UnitOfWork, clock: Clock) -> None:
    raise Reject("never heard of it")


async def test_a_handler_that_settles_a_state_is_repeatable_and_publishes_nothing_again():
    async with Harness(service_of(settles)) as harness:
        await assert_repeatable(harness, CANCELLED, CANCELLED)
        assert len(harness.events(StockReleased)) == 2


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        (counts, r"close is not repeatable: it ran again and changed `books`; `times` was 1 and is 2"),
        (appends, r"changed `notes`; a row came or went that another one equals"),
        (takes_away, r"changed `books`; there is a row less: \{'order_id': 'o-1'"),
        (tells_the_time, r"`seen_at` was '.*:00\+00:00' and is '.*:01\+00:00'"),
        (fails_the_second_time, r"close did not handle its event again: IntegrityError"),
        (rejects, r"close did not handle its event the first time: never heard of it"),
    ],
)
async def test_what_is_not_is_told(steps: Steps, sentence: str):
    with pytest.raises(AssertionError, match=sentence):
        await assert_repeatable(service_of(steps), CANCELLED)


async def test_a_column_may_be_left_out():
    await assert_repeatable(service_of(tells_the_time), CANCELLED, ignoring={"books.seen_at"})


async def test_what_came_later_is_undone_by_no_repetition():
    """A handler may be repeatable at once, and yet not after what came later: what a replay repeats is long past."""
    service = service_of(settles)

    @service.on(PaymentVoided)
    async def free(payment: PaymentVoided, work: UnitOfWork) -> None:
        await upsert(work, times=0)

    await assert_repeatable(service, CANCELLED)
    with pytest.raises(AssertionError, match="close is not repeatable: it ran again and changed `books`"):
        await assert_repeatable(service, CANCELLED, PaymentVoided(order_id="o-1", hold_id="h"))


async def test_where_nothing_can_be_proved_that_is_said():
    service = Service("books", tables=tables)

    @service.on(OrderCancelled, depends_on="gateway")
    async def refund(order: OrderCancelled) -> None: ...

    with pytest.raises(AssertionError, match="refund depends on gateway"):
        await assert_repeatable(service, CANCELLED)
    with pytest.raises(AssertionError, match="books does not hear StockReleased"):
        await assert_repeatable(service, RELEASED)
    with pytest.raises(AssertionError, match="plain has no database"):
        await assert_repeatable(Service("plain"), CANCELLED)
