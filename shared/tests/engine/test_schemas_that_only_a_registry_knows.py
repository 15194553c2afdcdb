"""A schema source may be away, wrong or broken, and the worker goes on.

A record without a type in its headers has the type of its schema id, and only a registry may know that. It is asked in
the record's own lane: what stands behind it in its key keeps its place, other keys go on, and the loop that fetches
never waits. A record whose headers say a type that the service does not hear is nobody's question. And what a broken
source throws ends no worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from farandole import Service, UnitOfWork
from farandole.delivery import Delivery
from farandole.engine.ports import Message
from farandole.envelope import Envelope
from farandole.errors import RegistryUnavailableError, UnknownSchemaError
from farandole.schema import EventSchema
from farandole.testing import Harness
from farandole_events import CATALOGUE, OrderCancelled, OrderCompleted
from sqlalchemy import Column, MetaData, String, Table

AT = datetime(2026, 1, 1, tzinfo=UTC)
ELSEWHERE = 7_000
"""This many is added to an id that only the registry knows."""


class Remote:
    """Knows the schemas of the mesh under ids of its own, once it is asked, and when it is not away."""

    def __init__(self) -> None:
        self.away: Exception | None = None
        self.asked: list[int] = []
        self.was_asked = asyncio.Event()
        self._learnt: set[int] = set()

    def by_id(self, schema_id: int) -> EventSchema:
        if schema_id not in self._learnt:
            raise RegistryUnavailableError("it was not asked yet")
        return CATALOGUE.by_id(schema_id - ELSEWHERE)

    async def learn(self, schema_id: int) -> None:
        self.asked.append(schema_id)
        self.was_asked.set()
        await asyncio.sleep(0)
        if self.away is not None:
            raise self.away
        CATALOGUE.by_id(schema_id - ELSEWHERE)
        self._learnt.add(schema_id)

    def id_of(self, schema: EventSchema) -> int:
        return schema.id + ELSEWHERE


class Broken(Remote):
    """Throws what no source should."""

    def by_id(self, schema_id: int) -> EventSchema:
        raise ZeroDivisionError


def record(event: OrderCancelled | OrderCompleted, remote: Remote, *, headers: bool = False) -> Message:
    from farandole.codec import Codec

    envelope = Envelope(
        id=event.key, type=event.avro.fullname, source="test", subject=event.key, time="", correlation_id=event.key
    )
    value = Codec(remote).encode(event)
    return Message(topic="orders", key=event.key.encode(), value=value, headers=envelope.headers() if headers else ())


def cancelled(order: str, reason: str = "") -> OrderCancelled:
    return OrderCancelled(order_id=order, customer_id="c-1", reason=reason, cause="customer")


def completed(order: str) -> OrderCompleted:
    return OrderCompleted(order_id=order, customer_id="c-1", total_cents=1, currency="USD", completed_at=AT)


@pytest.fixture
def heard() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def service(heard) -> Service:
    return asking(heard)


def asking(heard: list[tuple[str, str]]) -> Service:
    service = Service("asking")

    async def listen(event: OrderCancelled) -> None:
        heard.append((event.order_id, event.reason))

    service.on(OrderCancelled)(listen)
    return service


async def test_a_bare_record_of_a_type_that_is_heard_waits_for_the_registry_and_keeps_its_place(service, heard) -> None:
    remote = Remote()
    remote.away = RegistryUnavailableError("the registry does not answer")
    async with Harness(service, schemas=remote) as harness:
        harness.broker.append(record(cancelled("a", "first"), remote))
        harness.broker.append(record(cancelled("a", "second"), remote))
        await harness.settle()
        await harness.advance(timedelta(minutes=10))
        assert not heard
        assert not harness.dead_letters
        assert not harness.retries
        remote.away = None
        await harness.advance(timedelta(seconds=10))
        assert heard == [("a", "first"), ("a", "second")]
        assert harness.broker.committed["asking", "orders"] == 2


async def test_a_bare_record_that_turns_out_to_be_nobodys_business_is_passed_over(service, heard) -> None:
    remote = Remote()
    other = completed("a")
    async with Harness(service, schemas=remote) as harness:
        await harness.deliver_record(record(other, remote))
        await harness.deliver_record(record(cancelled("b"), remote))
        assert heard == [("b", "")]
        assert not harness.dead_letters
        assert harness.broker.committed["asking", "orders"] == 2


async def test_what_is_not_heard_takes_no_events_place_in_the_ledger() -> None:
    remote = Remote()
    heard: list[tuple[str, str]] = []
    untyped = record(completed("a"), remote, headers=True)
    bare = Message(
        topic="orders",
        key=untyped.key,
        value=untyped.value,
        headers=tuple((name, value) for name, value in untyped.headers if name != "ce_type"),
    )
    async with Harness(asking(heard), schemas=remote) as harness:
        await harness.deliver_record(bare)
        await harness.deliver_record(record(cancelled("a"), remote, headers=True))
        assert heard == [("a", "")]
        assert not harness.dead_letters


async def test_a_type_that_is_not_heard_is_no_question(service) -> None:
    remote = Remote()
    other = completed("a")
    async with Harness(service, schemas=remote) as harness:
        await harness.deliver_record(record(other, remote, headers=True))
        assert remote.asked == []
        assert harness.broker.committed["asking", "orders"] == 1


async def test_an_id_that_nobody_knows_is_a_dead_letter_with_its_bytes(service, heard) -> None:
    remote = Remote()
    remote.away = UnknownSchemaError("schema id 9 is unknown")
    async with Harness(service, schemas=remote) as harness:
        for headers in (True, False):
            sent = record(cancelled("a"), remote, headers=headers)
            await harness.deliver_record(sent)
            assert harness.dead_letters[-1].value == sent.value
        assert not heard
        assert harness.broker.committed["asking", "orders"] == 2


@pytest.mark.parametrize("headers", [True, False], ids=["typed", "bare"])
async def test_a_source_that_throws_anything_ends_no_worker(service, heard, headers: bool) -> None:
    remote = Broken()
    async with Harness(service, schemas=remote) as harness:
        await harness.deliver_record(record(cancelled("a"), remote, headers=headers))
        await harness.advance(timedelta(hours=2))
        await harness.deliver_record(record(cancelled("b"), remote, headers=headers))
        assert not heard
        assert harness.runtime.worker is not None


async def test_nobody_waits_for_a_registry_with_a_transaction_open(heard) -> None:
    metadata = MetaData()
    orders = Table("orders", metadata, Column("id", String, primary_key=True))
    service = Service("keeping", tables=metadata)

    async def listen(event: OrderCancelled, work: UnitOfWork) -> None:
        await work.execute(orders.insert().values(id=event.order_id))
        heard.append((event.order_id, event.reason))

    service.on(OrderCancelled)(listen)
    remote = Remote()
    remote.away = RegistryUnavailableError("the registry does not answer")
    async with Harness(service, schemas=remote) as harness:
        entered: list[bool] = []
        store = harness.store
        assert store is not None
        opened = store.delivery

        def noted(source: str, event_id: str, attempt: int, digest: bytes):
            entered.append(True)
            return opened(source, event_id, attempt, digest)

        store.delivery = noted
        await harness.deliver_record(record(cancelled("a"), remote, headers=True))
        await harness.advance(timedelta(minutes=1))
        assert not entered
        remote.away = None
        await harness.advance(timedelta(seconds=10))
        assert heard == [("a", "")]
        assert entered == [True]


async def test_observers_wait_for_the_type_of_a_record_and_are_given_it() -> None:
    service = Service("watching")
    seen: list[str] = []

    @service.observe
    async def watch(deliveries: Sequence[Delivery]) -> None:
        seen.extend(one.envelope.type for one in deliveries)

    remote = Remote()
    remote.away = RegistryUnavailableError("the registry does not answer")
    async with Harness(service, schemas=remote) as harness:
        harness.broker.append(record(cancelled("a"), remote))
        await remote.was_asked.wait()
        remote.away = None
        await harness.advance(timedelta(seconds=10))
        assert seen == [OrderCancelled.avro.fullname]
