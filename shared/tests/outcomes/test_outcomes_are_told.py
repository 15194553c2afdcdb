"""Workers tell how deliveries ended that leave no record behind, and nobody ever waits for that.

What is told is bounded: in memory, in a record, and in what a reader takes from whoever may write to the topic.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from farandole import Envelope
from farandole.delivery import Coordinates, Delivery, Record
from farandole.engine.telling import MOST_KEPT, Telling
from farandole.outcomes import MOST_OUTCOMES, OutcomeBatch, decode, encode
from farandole.testing import ManualClock

AT = Coordinates(topic="orders", partition=3, offset=41)
DELIVERY = Delivery(
    record=Record(
        coordinates=AT, key=b"order-1", value=b"x" * 100, headers=(), appended=datetime(2026, 11, 23, tzinfo=UTC)
    ),
    envelope=Envelope(
        id="e-1", type="OrderPlaced", source="orders", subject="order-1", time="", correlation_id="flow-1"
    ),
    service="payments",
    attempt=2,
    origin=AT,
    operation="redrive-1",
)


class Listener:
    """Hears batches, unless it is deaf."""

    def __init__(self) -> None:
        self.deaf = False
        self.batches: list[OutcomeBatch] = []

    def take(self, value: bytes) -> bool:
        batch = decode(value)
        assert batch is not None
        if not self.deaf:
            self.batches.append(batch)
        return not self.deaf


def named(event_id: str) -> Delivery:
    return replace(DELIVERY, envelope=replace(DELIVERY.envelope, id=event_id))


async def test_what_is_noted_is_told_twice_a_second_with_where_it_lay() -> None:
    clock, listener = ManualClock(), Listener()
    telling = Telling("payments", listener, clock=clock)
    task = asyncio.create_task(telling.run())
    telling.note("dropped", DELIVERY)
    await asyncio.sleep(0)
    assert listener.batches == []
    clock.move_to(clock.now() + timedelta(milliseconds=500))
    async with asyncio.timeout(5):
        while not listener.batches:  # noqa: ASYNC110 - a condition
            await asyncio.sleep(0)
    (batch,) = listener.batches
    (told,) = batch.outcomes
    assert (batch.service, batch.untold) == ("payments", 0)
    assert (told.kind, told.source, told.event_id, told.flow_id, told.type) == (
        "dropped",
        "orders",
        "e-1",
        "flow-1",
        "OrderPlaced",
    )
    assert (told.topic, told.partition, told.offset, told.attempt) == ("orders", 3, 41, 2)
    assert told.operation == "redrive-1"
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_what_there_is_no_room_for_is_counted_and_forgotten() -> None:
    listener = Listener()
    telling = Telling("payments", listener, clock=ManualClock())
    for _ in range(MOST_KEPT + 7):
        telling.note("handled", DELIVERY)
    telling.end()
    assert sum(len(one.outcomes) for one in listener.batches) == MOST_KEPT
    assert max(len(one.outcomes) for one in listener.batches) == MOST_OUTCOMES
    assert sum(one.untold for one in listener.batches) == 7


def test_what_nobody_took_is_told_as_a_number_later() -> None:
    listener = Listener()
    telling = Telling("payments", listener, clock=ManualClock())
    listener.deaf = True
    telling.note("handled", DELIVERY)
    telling.end()
    listener.deaf = False
    telling.note("handled", DELIVERY)
    telling.end()
    assert [one.untold for one in listener.batches] == [1]


def test_an_envelope_that_is_too_long_to_be_repeated_is_not() -> None:
    listener = Listener()
    telling = Telling("payments", listener, clock=ManualClock())
    telling.note("dropped", named("e" * 257))
    telling.note("dropped", named("e" * 256))
    telling.end()
    assert [(len(one.outcomes), one.untold) for one in listener.batches] == [(1, 1)]


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff\x00",
        b"[]",
        b'{"service":"p","outcomes":[["handled"]]}',
        b'{"service":"p","outcomes":[["begun","s","e","f","t","t",0,0,0]]}',
        b'{"service":"p","outcomes":[["handled","s","e","f","t","t",0,-1,0]]}',
        b'{"service":"' + b"p" * 300 + b'","outcomes":[]}',
        b" " * 1_000_001,
        b"[" * 100_000,
        msgspec.json.encode({"service": "p", "outcomes": [["handled", "s", "e", "f", "t", "t", 0, 0, 0]] * 201}),
    ],
)
def test_what_is_no_batch_is_none(value) -> None:
    assert decode(value) is None


def test_a_reader_takes_what_a_later_version_adds() -> None:
    value = b'{"service":"p","outcomes":[["handled","s","e","f","t","t",0,0,0,"","more"]],"untold":0,"new":1}'
    batch = decode(value)
    assert batch is not None
    assert decode(encode(batch)) == batch
