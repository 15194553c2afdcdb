"""Audited: a service that runs for real, what an operator's slip may do behind its back, and the audit of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from farandole.audit import Report, audit
from farandole.contexts import Target, Windows
from farandole.delivery import Record
from farandole.engine.ports import Message
from farandole.engine.runtime import heard_topics
from farandole.event import Event
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader, Span
from farandole.ledger import Claim, RedisLedger, Settle, State, event_key
from farandole.service import Service
from farandole.testing.backend import Backend
from redis.asyncio import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from world import RealWorld

WITHIN = 20.0
SOURCE = "test"


class Audited:
    """A service in a world of its own. Records are known by their event's id; every event comes from ``SOURCE``."""

    def __init__(
        self, service: Service, folder: Path, backend: Backend, events: Sequence[type[Event]], url: str
    ) -> None:
        self.service = service
        self.world = RealWorld(service, folder, backend, events)
        self._world_runs = False
        self._backend = backend
        self._url = url
        if url:
            self.world._url = url
        connection = Connection(bootstrap=backend.bootstrap, client_id="audited")
        self._admin = AdminClient(connection.properties())
        self._log = LogReader(connection)
        self.target = Target(
            connection=connection,
            redis_url=backend.redis_url,
            cluster=backend.cluster_id,
            database_urls={service.name: url} if url else {},
            windows=Windows(ledger=timedelta(days=7), inbox=timedelta(days=30)),
        )

    async def start(self) -> None:
        await self.world.start()
        self._world_runs = True

    async def stop(self) -> None:
        if self._world_runs:
            self._world_runs = False
            await self.world.crash()

    async def end(self) -> None:
        await self.stop()
        await self.world.close()

    async def send(self, *messages: Message) -> None:
        await self.world.send(*messages)

    async def drained(self) -> None:
        await self.world.until(lambda: True)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, whatever the service has left to do."""
        deadline = time.monotonic() + WITHIN
        while not await asyncio.to_thread(condition):
            assert time.monotonic() < deadline, "the condition never came true"
            await asyncio.sleep(0.05)

    async def audit(self) -> Report:
        return await audit(self.target, [self.service])

    async def until_audit(self, condition: Callable[[Report], bool]) -> Report:
        """Audit until the report is as wanted."""
        deadline = time.monotonic() + WITHIN
        while not condition(report := await self.audit()):
            assert time.monotonic() < deadline, f"the audit still says {report}"
        return report

    # What an operator's slip may do.

    async def skip(self, topics: Sequence[str] = ()) -> None:
        """Commit to the end of topics (all that the service hears): whatever lies there is passed over."""
        await asyncio.to_thread(self._skip, topics or heard_topics(self.service))

    def _skip(self, topics: Sequence[str]) -> None:
        ends = self._log.ends([one for one in self._log.partitions() if one.topic in topics])
        offsets = [TopicPartition(one.topic, one.number, end) for one, end in ends.items()]
        deadline = time.monotonic() + WITHIN
        while True:
            consumer = Consumer({"bootstrap.servers": self._backend.bootstrap, "group.id": self.service.name})
            try:
                consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)  # the service is still leaving its group
            else:
                return
            finally:
                consumer.close()

    async def forget_entry(self, event_id: str) -> None:
        """Delete the ledger's entry of an event."""
        key, prefix = event_key(SOURCE, event_id), f"farandole:{{{self._backend.cluster_id}:{self.service.name}}}"
        async with Redis.from_url(self._backend.redis_url) as redis:
            for name in ("open", "done:0", "done:1"):
                await redis.hdel(f"{prefix}:{name}", key)

    async def age_ledger(self) -> None:
        """Have the ledger's epoch begin a minute ago, so that nothing here is older than it."""
        async with Redis.from_url(self._backend.redis_url) as redis:
            epoch = f"farandole:{{{self._backend.cluster_id}:{self.service.name}}}:epoch"
            began = int(await redis.hget(epoch, "began"))
            await redis.hset(epoch, "began", str(began - 60_000))

    async def forget_row(self, event_id: str) -> None:
        """Delete the inbox row of an event."""
        url = make_url(self._url)
        engine = create_engine(url if url.drivername == "sqlite" else url.set(drivername="postgresql+psycopg"))
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM farandole_inbox WHERE event_id = :id"), {"id": event_id})
        engine.dispose()

    async def note(self, record: Record, event_id: str, state: State, attempt: int = 0) -> None:
        """Claim a record in the ledger and, unless ``state`` is CLAIMED, settle it; publish nothing."""
        key = event_key(SOURCE, event_id)
        ledger = RedisLedger(self._backend.redis_url, cluster=self._backend.cluster_id, service=self.service.name)
        epoch = await ledger.join()
        await ledger.exchange(epoch, [], [Claim(key=key, attempt=attempt, coordinates=record.coordinates)])
        if state is not State.CLAIMED:
            settle = Settle(key=key, attempt=attempt, coordinates=record.coordinates, state=state)
            await ledger.exchange(epoch, [settle], [])
        await ledger.close()

    async def delete_records(self, topic: str) -> None:
        """Delete everything that a topic holds, as its retention would."""

        def delete() -> None:
            ends = self._log.ends([one for one in self._log.partitions() if one.topic == topic])
            asked = [TopicPartition(one.topic, one.number, end) for one, end in ends.items()]
            for deleted in self._admin.delete_records(asked).values():
                deleted.result(WITHIN)

        await asyncio.to_thread(delete)

    async def record(self, topic: str, event_id: str) -> Record:
        """Return the last record of an event on a topic."""
        return (await asyncio.to_thread(self._records, topic))[event_id]

    def _records(self, topic: str) -> dict[str, Record]:
        partitions = [one for one in self._log.partitions() if one.topic == topic]
        starts, ends = self._log.starts(partitions), self._log.ends(partitions)
        spans = {one: Span(start=starts[one], end=ends[one]) for one in partitions}
        return {
            dict(record.headers)["ce_id"].decode(): record for batch in self._log.records(spans) for record in batch
        }

    async def send_private(self, topic: str, record: Record, attempt: int) -> None:
        """Write a record to a private topic as the service would, with its attempt."""
        headers = (*record.headers, ("farandole_attempt", str(attempt).encode()))
        await self.send(Message(topic=topic, key=record.key, value=record.value, headers=headers))


def kinds(report: Report) -> dict[str, str]:
    """Return what was found, by the event's id."""
    return {finding.event_id: finding.kind for finding in report.findings}


def counts(report: Report) -> dict[str, int]:
    """Return the standings of the one service that was audited; those that nobody has are left out."""
    (balance,) = report.balances
    assert balance.total == balance.events
    return {standing.value: count for standing, count in balance.standings.items() if count}
