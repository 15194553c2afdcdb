"""Replay reading: how fast a selection is read, beside plain consumers of the same topic, on a real Kafka.

One topic of real-looking events of several types. In each round every way of reading it takes its turn; said are the
seconds and processor seconds of each, and their ratio to the plain ``poll()`` loop of the same round.

    .venv/bin/python benchmarks/replay_reading.py [--records 1000000] [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from farandole.codec import Codec
from farandole.envelope import Envelope, rfc3339
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader
from farandole.kafka.topics import create, domain_topic
from farandole.selection import Moment, Reading, Selection, freeze, scan
from farandole.testing.backend import Backend
from farandole_events import CATALOGUE, Address, CancellationRequested, OrderCompleted, OrderLine, OrderPlaced

TOPIC: Final = "orders"
PARTITIONS: Final = 4
SELECTED_TYPE: Final = "farandole.orders.OrderPlaced"
KEY: Final = "order-4711"


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One reading of the whole topic."""

    way: str
    records: int
    seconds: float
    cpu: float


def events(number: int) -> tuple[OrderPlaced | OrderCompleted | CancellationRequested, ...]:
    """Return the events of one order: placed; then mostly completed, and a cancellation now and then."""
    at = datetime(2026, 11, 23, 12, tzinfo=UTC) + timedelta(seconds=number % 86_400)
    line = OrderLine(
        product_id=f"product-{number % 77}",
        product_name="Queso Manchego La Pastora",
        quantity=1 + number % 12,
        unit_price_cents=3_800,
        total_cents=3_800 * (1 + number % 12),
    )
    placed = OrderPlaced(
        order_id=f"order-{number}",
        customer_id=f"customer-{number % 91}",
        reference=str(10_000 + number),
        order_date=at,
        lines=(line,),
        total_cents=line.total_cents,
        currency="USD",
        ship_to=Address(name="Alfreds Futterkiste", street="Obere Str. 57", city="Berlin", country="Germany"),
        carrier="Speedy Express",
        payment_token="tok_4242",
    )
    if number % 10 == 0:
        return placed, CancellationRequested(order_id=placed.order_id, reason="ordered twice")
    completed = OrderCompleted(
        order_id=placed.order_id,
        customer_id=placed.customer_id,
        total_cents=placed.total_cents,
        currency="USD",
        completed_at=at,
    )
    return placed, completed


def fill(bootstrap: str, records: int) -> None:
    """Write so many events, with the envelope that the mesh gives them."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 500_000})
    codec = Codec(CATALOGUE)
    written, number = 0, 0
    while written < records:
        for event in events(number)[: records - written]:
            envelope = Envelope(
                id=f"5f0c4a52-0000-5000-8000-{written:012}",
                type=event.avro.fullname,
                source="orders",
                subject=event.key,
                time=rfc3339(datetime.now(UTC)),
                correlation_id=f"5f0c4a52-0000-5000-8000-{number:012}",
            )
            producer.produce(TOPIC, key=event.key, value=codec.encode(event), headers=list(envelope.headers()))
            written += 1
        number += 1
        if number % 1_000 == 0:
            producer.poll(0)
            while len(producer) > 400_000:
                producer.poll(0.1)
    producer.flush()


def plain(bootstrap: str, *, at_once: int) -> int:
    """Read the topic as a hand-written loop does, taking key, value and headers; ``at_once`` 0 means ``poll()``."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "plain", "enable.partition.eof": True})
    consumer.assign([TopicPartition(TOPIC, number, 0) for number in range(PARTITIONS)])
    left, seen = PARTITIONS, 0
    while left:
        for message in consumer.consume(at_once, 0.1) if at_once else (consumer.poll(1.0),):
            if message is None:
                continue
            error = message.error()
            if error is not None:
                left -= error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - that is its public name
                continue
            _, _, _ = message.key(), message.value(), message.headers()
            seen += 1
    consumer.close()
    return seen


class Bench:
    """Reads one topic in every way."""

    def __init__(self, backend: Backend) -> None:
        self._bootstrap = backend.bootstrap
        self._reader = LogReader(Connection(bootstrap=backend.bootstrap, client_id="replay-reading"))
        self._reading = Reading(CATALOGUE, cluster=backend.cluster_id)
        day = Moment(at=datetime.now(UTC) - timedelta(days=1)), Moment(at=datetime.now(UTC) + timedelta(days=1))
        timed = Selection(topics=(TOPIC,), begin=day[0], end=day[1])
        everything = frozenset(one.fullname for one in CATALOGUE if one.topic == TOPIC)
        self.ways: dict[str, Callable[[], int]] = {
            "poll": lambda: plain(self._bootstrap, at_once=0),
            "consume-500": lambda: plain(self._bootstrap, at_once=500),
            "time+type": lambda: self._scan(_with(timed, types=frozenset((SELECTED_TYPE,)))),
            "time+all-types": lambda: self._scan(_with(timed, types=everything)),
            "key": lambda: self._scan(_with(timed, keys=frozenset((KEY,)))),
            "where": lambda: self._scan(
                _with(timed, types=frozenset((SELECTED_TYPE,)), where='total_cents > 20000 && currency == "USD"')
            ),
        }

    def turn(self, way: str) -> Turn:
        """Read the topic in one way."""
        began, spent = time.perf_counter(), time.process_time()
        records = self.ways[way]()
        return Turn(way=way, records=records, seconds=time.perf_counter() - began, cpu=time.process_time() - spent)

    def _scan(self, selection: Selection) -> int:
        frozen = freeze(self._reader, selection)
        return sum(len(batch) for batch in scan(self._reader, frozen, selection, self._reading))


def _with(selection: Selection, **changes: frozenset[str] | str) -> Selection:
    return Selection.from_document(
        selection.document()
        | {name: sorted(one) if isinstance(one, frozenset) else one for name, one in changes.items()}
    )


async def measure(records: int, rounds: int) -> list[list[Turn]]:
    """Fill a topic and read it, round by round."""
    with tempfile.TemporaryDirectory() as folder:
        async with Backend.start(Path(folder)) as backend:
            wanted = [domain_topic(TOPIC, partitions=PARTITIONS)]
            await create(Connection(bootstrap=backend.bootstrap, client_id="replay-reading"), wanted)
            began = time.perf_counter()
            await asyncio.to_thread(fill, backend.bootstrap, records)
            sys.stderr.write(f"{records} records written in {time.perf_counter() - began:.0f} s\n")
            bench = Bench(backend)
            await asyncio.to_thread(bench.turn, "consume-500")  # so that the first of the first round is not cold
            return [await asyncio.to_thread(_round, bench, number) for number in range(rounds)]


def _round(bench: Bench, number: int) -> list[Turn]:
    """Let every way take its turn; each round begins with another, so that none has the best place."""
    ways = list(bench.ways)
    turns = []
    for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
        turns.append(bench.turn(way))
        sys.stderr.write(f"round {number + 1}: {way:<15} {turns[-1].seconds:6.2f} s\n")
    return turns


def summary(rounds: list[list[Turn]], records: int) -> dict[str, dict[str, float]]:
    """Return for each way the median rate, and the medians of its ratios to the plain loops of the same round."""
    said: dict[str, dict[str, float]] = {}
    for way in sorted(turn.way for turn in rounds[0]):
        own = [next(one for one in turns if one.way == way) for turns in rounds]
        polls = [next(one for one in turns if one.way == "poll") for turns in rounds]
        consumes = [next(one for one in turns if one.way == "consume-500") for turns in rounds]
        said[way] = {
            "selected": own[0].records,
            "records_per_second": round(records / statistics.median(one.seconds for one in own)),
            "cpu_us_per_record": round(statistics.median(one.cpu for one in own) / records * 1e6, 2),
            "of_poll": round(statistics.median(p.seconds / o.seconds for p, o in zip(polls, own, strict=True)), 2),
            "of_consume": round(
                statistics.median(c.seconds / o.seconds for c, o in zip(consumes, own, strict=True)), 2
            ),
        }
    return said


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON document on one line")
    chosen = parser.parse_args()
    said = summary(asyncio.run(measure(chosen.records, chosen.rounds)), chosen.records)
    if chosen.json:
        print(json.dumps({"records": chosen.records, "rounds": chosen.rounds, "ways": said}))
        return
    print(f"{'way':<16}{'selected':>10}{'records/s':>12}{'µs CPU':>9}{'of poll':>9}{'of consume':>12}")
    for way, one in sorted(said.items(), key=lambda pair: pair[1]["records_per_second"]):
        print(
            f"{way:<16}{one['selected']:>10}{one['records_per_second']:>12}{one['cpu_us_per_record']:>9}"
            f"{one['of_poll']:>9}{one['of_consume']:>12}"
        )


if __name__ == "__main__":
    main()
