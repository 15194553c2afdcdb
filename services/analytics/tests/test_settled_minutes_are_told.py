"""A minute is told to the mesh once it is over and quiet, and again, under another id, when a late order changes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from analytics_orders import NOON, delivery, order
from farandole import Codec, catalogues
from farandole.engine.encoder import Encoder
from farandole.engine.ports import Message
from farandole.errors import BrokerUnavailableError
from farandole.testing import ManualClock
from farandole_analytics.minutes import Minutes
from farandole_analytics.settings import AnalyticsSettings
from farandole_analytics.tally import Tally
from farandole_analytics.telling import Telling
from farandole_events.orders import OrderPlaced
from farandole_events.sales import SalesPerMinute

SETTINGS = AnalyticsSettings(settle=timedelta(seconds=10), keep=timedelta(hours=2))


class FakePublisher:
    """Keeps what is published, and can be away."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.away = False

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.away and messages:
            raise BrokerUnavailableError("away", why="a test said so", do="wait")
        self.messages += messages


class Worker:
    """One life of the worker over a table that outlives it."""

    def __init__(self, table: dict[bytes, bytes], clock: ManualClock, publisher: FakePublisher) -> None:
        (catalogue,) = catalogues.discover()
        self.codec = Codec(catalogue)
        self.minutes = minutes = Minutes()
        self.tally = Tally(table, minutes=minutes, keep=SETTINGS.keep, clock=clock)
        self.tally.recovered()
        self.clock, self.publisher = clock, publisher
        self.telling = Telling(
            encoder=Encoder(service="analytics", codec=self.codec, clock=clock),
            publisher=publisher,
            clock=clock,
            settings=SETTINGS,
        )
        self.telling.turn_to(minutes)

    def take(self, event_id: str, *, time: datetime = NOON, placed: OrderPlaced | None = None) -> None:
        self.tally.take(placed or order(), delivery(event_id, appended=self.clock.now(), time=time))

    async def after(self, duration: timedelta) -> list[SalesPerMinute]:
        """Let time pass, and return what is told then."""
        self.clock.move_to(self.clock.now() + duration)
        before = len(self.publisher.messages)
        await self.telling.tell()
        return [self.codec.decode(one.value, SalesPerMinute) for one in self.publisher.messages[before:]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def publisher() -> FakePublisher:
    return FakePublisher()


@pytest.fixture
def table() -> dict[bytes, bytes]:
    return {}


@pytest.fixture
def worker(table, clock, publisher) -> Worker:
    return Worker(table, clock, publisher)


async def test_a_minute_is_told_when_it_is_over_and_only_once(worker) -> None:
    worker.take("event-1")
    assert await worker.after(timedelta(seconds=30)) == []
    total, country, product = sorted(
        await worker.after(timedelta(seconds=40)), key=lambda one: (one.product_id or "", one.country or "")
    )
    assert (total.window, total.orders, total.units, total.revenue_cents) == ("2026-11-23T12:00Z", 1, 2, 600)
    assert (country.country, country.revenue_cents) == ("France", 600)
    assert (product.product_id, product.revenue_cents, product.currency) == ("11", 500, "USD")
    assert await worker.after(timedelta(hours=1)) == []


async def test_the_events_of_a_minute_are_one_flow_keyed_by_the_minute(worker, publisher) -> None:
    worker.take("event-1")
    await worker.after(timedelta(seconds=70))
    envelopes = [dict(one.headers) for one in publisher.messages]
    assert {one.topic for one in publisher.messages} == {"sales"}
    assert {one.key for one in publisher.messages} == {b"2026-11-23T12:00Z"}
    assert len({one["ce_correlationid"] for one in envelopes}) == 1
    assert len({one["ce_id"] for one in envelopes}) == 3


async def test_a_late_order_is_told_under_a_new_id(worker, publisher) -> None:
    worker.take("event-1")
    await worker.after(timedelta(seconds=70))
    worker.take("event-2", time=NOON)
    assert await worker.after(timedelta(seconds=5)) == []
    again = await worker.after(timedelta(seconds=10))
    assert {one.orders for one in again} == {2}
    assert len({dict(one.headers)["ce_id"] for one in publisher.messages}) == 6


async def test_after_a_crash_what_may_not_have_been_told_is_told_under_the_same_ids(
    worker, table, clock, publisher
) -> None:
    worker.take("event-1")
    await worker.after(timedelta(seconds=70))
    reborn = Worker(table, clock, publisher)
    await reborn.after(timedelta(seconds=70))
    assert len(publisher.messages) == 6
    assert len({dict(one.headers)["ce_id"] for one in publisher.messages}) == 3


async def test_after_a_crash_what_was_told_long_ago_is_not_told_again(worker, table, clock, publisher) -> None:
    worker.take("event-1")
    await worker.after(timedelta(minutes=30))
    worker.take("event-2", time=clock.now())
    await worker.after(timedelta(minutes=2))
    reborn = Worker(table, clock, publisher)
    assert {one.window for one in await reborn.after(timedelta(minutes=2))} == {"2026-11-23T12:30Z"}


async def test_what_could_not_be_published_is_told_later(worker, publisher) -> None:
    worker.take("event-1")
    publisher.away = True
    with pytest.raises(BrokerUnavailableError):
        await worker.after(timedelta(seconds=70))
    publisher.away = False
    assert len(await worker.after(timedelta(seconds=1))) == 3


async def test_figures_that_no_event_can_hold_do_not_keep_the_others_from_being_told(worker) -> None:
    """The units of a SalesPerMinute have 31 bits; an order of two lines can say more."""
    worker.take("huge", placed=order(lines=(("11", 2**31 - 1, 1), ("11", 2**31 - 1, 1)), country="Chad"))
    worker.take("good", placed=order(lines=(("12", 1, 500),), country="Peru"))
    told = await worker.after(timedelta(seconds=70))
    assert {one.product_id or one.country for one in told} == {"12", "Peru"}
    assert await worker.after(timedelta(hours=1)) == []


async def test_another_generation_tells_only_what_it_counts_otherwise(worker, clock, publisher) -> None:
    worker.take("event-1")
    worker.take("event-2", placed=order(country="Chad"))
    await worker.after(timedelta(seconds=70))
    before = len(publisher.messages)
    rebuilt = Worker({}, clock, publisher)
    rebuilt.take("event-1", time=NOON)
    rebuilt.take("event-2", time=NOON, placed=order(country="Peru"))

    worker.telling.turn_to(rebuilt.minutes)

    told = await worker.after(timedelta(seconds=30))
    assert {one.country for one in told} == {"Peru"}
    ids = [dict(one.headers)["ce_id"] for one in publisher.messages]
    assert len(ids) == len(set(ids)) == before + 1


async def test_the_same_figures_of_another_generation_have_the_same_ids(worker, clock, publisher) -> None:
    """So what it tells after a crash, when nobody knows what the former one told, is dropped by every consumer."""
    worker.take("event-1")
    await worker.after(timedelta(seconds=70))
    rebuilt = Worker({}, clock, publisher)
    rebuilt.take("event-1", time=NOON)
    await rebuilt.after(timedelta(seconds=30))
    assert len(publisher.messages) == 6
    assert len({dict(one.headers)["ce_id"] for one in publisher.messages}) == 3


async def test_figures_that_a_rebuild_corrects_are_told_under_an_id_of_their_own(worker, clock, publisher) -> None:
    worker.take("event-1", placed=order(lines=(("11", 2, 1),)))
    await worker.after(timedelta(seconds=70))
    rebuilt = Worker({}, clock, publisher)
    rebuilt.take("event-1", time=NOON, placed=order(lines=(("11", 2, 500),)))
    worker.telling.turn_to(rebuilt.minutes)
    assert {one.orders for one in await worker.after(timedelta(seconds=30))} == {1}
    assert len({dict(one.headers)["ce_id"] for one in publisher.messages}) == len(publisher.messages) == 6
