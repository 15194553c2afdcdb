"""Held key: what the other keys lose while one key fails, with ``order="key"``, on a real Kafka and a real Redis.

Two rounds in turn: in the calm one nothing fails; in the other, one key of a hundred fails from the first event to the
last, so all its events pile up behind the first. Each round is a topic, a service and a backlog of its own; counted are
the events of the other ninety-nine keys that are handled within the time.

    .venv/bin/python benchmarks/held_key.py [--seconds 60] [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from farandole import Backoff, Service, log
from farandole.breaker import MemoryBreakers
from farandole.clock import SystemClock
from farandole.codec import Codec
from farandole.engine.ports import Message
from farandole.engine.runtime import Ports, Runtime, heard_topics, private_topics_of, schemas_of
from farandole.envelope import Envelope, rfc3339
from farandole.event import Event
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.source import KafkaSource
from farandole.kafka.topics import create, domain_topic, private_topics
from farandole.ledger import RedisLedger
from farandole.metrics import Metrics
from farandole.schema import Catalogue, EventSchema
from farandole.settings import Settings
from farandole.testing.backend import Backend

KEYS = 100
BAD = "order-0"
PER_SECOND = 7_000
"""The backlog of a round, for each second that it lasts: more than a worker takes here."""
PARTITIONS = 1
BATCH = 2_000


class Asked(Event, frozen=True, kw_only=True):
    """What the events of a round are; each round binds it to a topic of its own."""

    avro: ClassVar[EventSchema]
    thing: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """Of the other keys: events a second, and microseconds of processor time an event. And what was held in the end."""

    failing: bool
    per_second: float
    cpu: float
    held: int


class Rounds:
    """Runs rounds on one broker and one Redis."""

    def __init__(self, backend: Backend, seconds: float) -> None:
        self._backend = backend
        self._seconds = seconds
        self._connection = Connection(bootstrap=backend.bootstrap, client_id="held-key")

    async def run(self, number: int, *, failing: bool) -> Round:
        """Run one round."""
        asked = _asked(number)
        await self._fill(asked)
        handled = 0
        service = Service(f"held-{number}")

        async def listen(event: Asked) -> None:
            nonlocal handled
            await asyncio.sleep(0.001)
            if event.thing == BAD:
                if failing:
                    raise ValueError("this key fails")
                return
            handled += 1

        listen.__annotations__ = {"event": asked, "return": None}
        service.on(asked, order="key", retry=Backoff(first=timedelta(seconds=1), attempts=1000))(listen)
        await create(self._connection, private_topics(private_topics_of(service), partitions=1))
        runtime, running = await self._started(service)
        while not handled:  # noqa: ASYNC110 - the clock starts with the first event
            await asyncio.sleep(0.005)
        first, began, spent = handled, time.perf_counter(), time.process_time()
        await asyncio.sleep(self._seconds)
        rate = (handled - first) / (time.perf_counter() - began)
        cpu = (time.process_time() - spent) / (handled - first) * 1e6
        held = runtime.worker.held if runtime.worker is not None else 0
        runtime.stop(timedelta(seconds=5))
        await running
        return Round(failing=failing, per_second=rate, cpu=cpu, held=held)

    async def _started(self, service: Service) -> tuple[Runtime, asyncio.Task[None]]:
        ports = Ports(
            worker_source=KafkaSource(
                self._connection, group=service.name, topics=heard_topics(service), metrics=Metrics(service.name)
            ),
            observer_source=None,
            publisher=KafkaPublisher(self._connection),
            ledger=RedisLedger(self._backend.redis_url, cluster=self._backend.cluster_id, service=service.name),
            store=None,
            breakers=MemoryBreakers(SystemClock()),
            clock=SystemClock(),
            schemas=schemas_of(service, []),
        )
        runtime = Runtime(service, ports, cluster=self._backend.cluster_id, settings=Settings())
        await runtime.__aenter__()
        return runtime, asyncio.create_task(runtime.run())

    async def _fill(self, asked: type[Asked]) -> None:
        await create(self._connection, [domain_topic(asked.avro.topic, partitions=PARTITIONS)])
        publisher = KafkaPublisher(self._connection)
        codec = Codec(Catalogue([asked.avro]))
        count = int(PER_SECOND * (self._seconds + 5))
        for first in range(0, count, BATCH):
            await publisher.publish([_message(asked, codec, number) for number in range(first, first + BATCH)])
        await publisher.close()


def _message(asked: type[Asked], codec: Codec, number: int) -> Message:
    event = asked(thing=f"order-{number % KEYS}")
    envelope = Envelope(
        id=f"{asked.avro.topic}-{number}",
        type=asked.avro.fullname,
        source="bench",
        subject=event.key,
        time=rfc3339(SystemClock().now()),
        correlation_id=f"{asked.avro.topic}-{number}",
    )
    value, headers = codec.encode(event), envelope.headers()
    return Message(topic=asked.avro.topic, key=event.key.encode(), value=value, headers=headers)


def _asked(number: int) -> type[Asked]:
    schema = {
        "type": "record",
        "name": "Asked",
        "namespace": f"farandole.held{number}",
        "key": "thing",
        "fields": [{"name": "thing", "type": "string"}],
    }
    avro = EventSchema(
        id=900_001 + number,
        name="Asked",
        fullname=f"farandole.held{number}.Asked",
        topic=f"held-{number}-asked",
        key="thing",
        version=1,
        avsc=schema,
    )
    return type("Asked", (Asked,), {"avro": avro, "__annotations__": {}}, frozen=True, kw_only=True)


async def main(seconds: float, rounds: int) -> dict[str, object]:
    """Run the rounds and return what was seen."""
    seen: list[Round] = []
    with tempfile.TemporaryDirectory() as home:
        async with Backend.start(Path(home)) as backend:
            bench = Rounds(backend, seconds)
            for number in range(2 * rounds):
                seen.append(await bench.run(number, failing=number % 2 == 1))
                print(seen[-1], file=sys.stderr)
    calm = statistics.median(one.per_second for one in seen if not one.failing)
    failing = statistics.median(one.per_second for one in seen if one.failing)
    cpu = [statistics.median(one.cpu for one in seen if one.failing is which) for which in (False, True)]
    return {
        "calm": calm,
        "failing": failing,
        "ratio": failing / calm,
        "cpu_ratio": cpu[0] / cpu[1],
        "rounds": [asdict(one) for one in seen],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    log.configure("ERROR", service="held-key")
    found = asyncio.run(main(asked.seconds, asked.rounds))
    if asked.json:
        print(json.dumps(found))
    else:
        print(f"other keys: {found['calm']:.0f}/s calm, {found['failing']:.0f}/s with one key failing")
        print(f"ratio {found['ratio']:.3f}, by processor time {found['cpu_ratio']:.3f}")
