"""What the headers of a service's private topics may claim: they are believed, and yet nothing in them ends a worker.

Only the service and its operators write there, but a worker that dies of a header dies of it again after each restart,
until somebody finds the record. So numbers are bounded, moments that no calendar holds are no moments, and a record
that nobody hears becomes a dead letter: a service wrote it, or an operator, and it must not vanish.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from farandole import Backoff, Delivery, Retry, Service
from farandole.engine.intake import MOST_ATTEMPTS
from farandole.engine.ports import Message
from farandole.testing import Harness
from farandole.testing.clock import ManualClock
from farandole_events import OrderCancelled

BACKOFF = Backoff(first=timedelta(seconds=1), attempts=3, longest=timedelta(minutes=1))
ID = "11111111-1111-4111-8111-111111111111"


def a_service(heard: list[Delivery], *, after: timedelta | None = None) -> Service:
    service = Service("private")

    async def listen(event: OrderCancelled, delivery: Delivery) -> None:
        heard.append(delivery)
        if after is not None and len(heard) == 1:
            raise Retry("later", after=after)

    service.on(OrderCancelled, retry=BACKOFF)(listen)
    return service


def a_record(harness: Harness, topic: str, *private: tuple[str, bytes], event_type: str = "") -> Message:
    event = OrderCancelled(order_id="o-1", customer_id="c-1", reason="x", cause="customer")
    headers = (
        ("ce_id", ID.encode()),
        ("ce_type", (event_type or event.avro.fullname).encode()),
        ("ce_source", b"test"),
        *private,
    )
    return Message(topic=topic, key=b"o-1", value=harness.runtime.codec.encode(event), headers=headers)


@pytest.mark.parametrize(
    "private",
    [
        [("farandole_attempt", b"9999999999")],
        [("farandole_attempt", b"4294967295")],
        [("farandole_attempt", "²".encode())],
        [("farandole_attempt", b"9" * 5_000)],
        [("farandole_attempt", b"-1"), ("farandole_round", b"7")],
        [("farandole_origin", "orders|²|³".encode())],
        [("farandole_origin", b"orders|" + b"1" * 5_000 + b"|1")],
        [("farandole_first_failed", "orders|١|٢".encode())],
        [("farandole_origin", b"||||")],
        [("farandole_attempt", b"1"), ("farandole_attempt", b""), ("farandole_attempt", b"2")],
    ],
    ids=str,
)
async def test_no_header_ends_the_worker(private: Sequence[tuple[str, bytes]]) -> None:
    heard: list[Delivery] = []
    async with asyncio.timeout(20), Harness(a_service(heard)) as harness:
        await harness.deliver_record(a_record(harness, "private.redelivery", *private))
        assert len(heard) == 1
        assert heard[0].attempt <= MOST_ATTEMPTS  # Redis keeps it in four bytes
        assert harness.broker.committed["private", "private.redelivery"] == 1


UNNAMED = b"r\x1f1"


@pytest.mark.parametrize("name", [UNNAMED, b"", b"r" * 65, b"../r", b"r 1", "ré".encode(), b"\xff", b"r\0"], ids=str)
async def test_a_replay_that_cannot_be_named_is_refused_and_takes_nobodys_place(name: bytes) -> None:
    """Taken for a live delivery it would run, and publish, what a replay was told not to."""
    heard: list[Delivery] = []
    async with asyncio.timeout(20), Harness(a_service(heard)) as harness:
        await harness.deliver_record(a_record(harness, "private.redelivery", ("farandole_replay", name)))
        assert (heard, len(harness.dead_letters)) == ([], 1)
        await harness.deliver_record(a_record(harness, "orders"))
        assert len(heard) == 1


async def test_an_operation_that_cannot_be_named_is_none() -> None:
    heard: list[Delivery] = []
    async with asyncio.timeout(20), Harness(a_service(heard)) as harness:
        await harness.deliver_record(a_record(harness, "private.redelivery", ("farandole_operation", b"o" * 65)))
        assert [(one.operation, one.replay) for one in heard] == [("", None)]


async def test_a_retry_record_from_the_end_of_all_time_waits_no_longer_than_the_longest_backoff() -> None:
    """Where a topic takes the producer's time, or a broker's clock is wrong, the append time may be anything."""
    heard: list[Delivery] = []
    service = a_service(heard)
    end_of_time = ManualClock(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    async with asyncio.timeout(20), Harness(service) as harness:
        harness.broker._clock = end_of_time  # which is not the worker's clock
        await harness.deliver_record(a_record(harness, "private.retry.1", ("farandole_due_after_ms", b"60000")))
        await harness.advance(timedelta(minutes=1))
        assert len(heard) == 1


async def test_a_retry_after_a_year_waits_as_long_as_the_longest_backoff_and_not_at_all_less() -> None:
    heard: list[Delivery] = []
    async with asyncio.timeout(20), Harness(a_service(heard, after=timedelta(days=365))) as harness:
        await harness.deliver(OrderCancelled(order_id="o-1", customer_id="c-1", reason="x", cause="customer"))
        await harness.advance(BACKOFF.longest - timedelta(milliseconds=1))
        assert len(heard) == 1
        await harness.advance(timedelta(milliseconds=1))
        assert len(heard) == 2


async def test_a_retry_record_of_a_type_that_is_no_longer_heard_becomes_a_dead_letter() -> None:
    """While a new version is rolled out, a replica of the old one may hold the partition of the new one's retries."""
    heard: list[Delivery] = []
    async with asyncio.timeout(20), Harness(a_service(heard)) as harness:
        record = a_record(harness, "private.retry.1", ("farandole_attempt", b"1"), event_type="farandole.x.Unheard")
        await harness.deliver_record(record)
        assert heard == []
        (dead,) = harness.dead_letters
        assert dead.value == record.value
        headers = dict(dead.headers)
        assert (headers["ce_type"], headers["farandole_attempt"]) == (b"farandole.x.Unheard", b"1")
