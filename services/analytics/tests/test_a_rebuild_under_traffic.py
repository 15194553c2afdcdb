"""The figures are built again from history while they are used, by the command and against the worker as they run.

Orders go on being placed, some of them twice, and the figures are asked for without a pause. They must be answered
every time, never with less than before; after the switch they are what adding up the topic gives. Nothing is told to
the mesh twice. On request the command and the worker are killed in the middle, and both generations gone to and fro.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from analytics_orders import order
from analytics_worker import Worker, running
from confluent_kafka import Consumer, TopicPartition
from farandole import Codec, Envelope, catalogues
from farandole.engine.ports import Message
from farandole.envelope import rfc3339
from farandole.generations.distance import Logs
from farandole.headers import kept
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic

PARTITIONS = 2
HISTORY = 400
pytestmark = [pytest.mark.mesh, pytest.mark.slow]
LONG = pytest.mark.skipif(
    os.environ.get("FARANDOLE_LONG") != "1", reason="half a minute and more, each; FARANDOLE_LONG=1 runs them"
)


class Shop:
    """Where orders are placed. All of them in one minute that is over, so that it is told while they come."""

    def __init__(self, publisher: KafkaPublisher, codec: Codec) -> None:
        self._publisher = publisher
        self._codec = codec
        self._minute = datetime.now(UTC) - timedelta(minutes=3)
        self.placed = 0

    async def place(self, count: int) -> None:
        """Place orders; every tenth comes twice."""
        numbers = range(self.placed, self.placed + count)
        self.placed += count
        await self._publisher.publish([self._message(n) for n in numbers for _ in range(2 if n % 10 == 0 else 1)])

    async def go_on(self) -> None:
        while True:
            await self.place(3)
            await asyncio.sleep(0.02)

    def _message(self, number: int) -> Message:
        event = order(number)
        envelope = Envelope(
            id=f"order-event-{number}",
            type=event.avro.fullname,
            source="orders",
            subject=event.key,
            time=rfc3339(self._minute),
            correlation_id=f"order-event-{number}",
        )
        return Message(
            topic="orders", key=event.key.encode(), value=self._codec.encode(event), headers=envelope.headers()
        )


class Asking:
    """Asks for the figures again and again."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.numbers: list[int] = []
        self.refused: list[Any] = []
        self.is_down = False
        self._task = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        while True:
            try:
                answer = await self.worker.http.get("/sales/minutes")
            except (httpx2.TransportError, RuntimeError) as error:
                if not self.is_down:
                    self.refused.append(error)
            else:
                if answer.status_code == 200:
                    self.numbers.append(sum(line["orders"] for line in answer.json()["minutes"]))
                elif not self.is_down:
                    self.refused.append(answer.text)
            await asyncio.sleep(0.005)

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        assert self._task.cancelled(), self._task.exception()
        assert not self.refused, self.refused[:3]
        assert self.numbers == sorted(self.numbers), "a number went down"


@asynccontextmanager
async def command(backend, home: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``farandole replay rebuild``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from farandole.cli.main import main; main()",
        "replay",
        "rebuild",
        *words,
        "--service",
        "analytics",
        "--json",
        env={
            **os.environ,
            "FARANDOLE_BROKERS": backend.bootstrap,
            "FARANDOLE_CLUSTER": backend.cluster_id,
            "FARANDOLE_HOME": str(home),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=(home / "command.log").open("ab"),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def done(backend, home: Path, *words: str) -> dict[str, Any]:
    """Run the command to its end, and return its document."""
    async with command(backend, home, *words) as process:
        out, _ = await asyncio.wait_for(process.communicate(), 90)
        assert process.returncode == 0, (home / "command.log").read_text()
        return json.loads(out)


def told(bootstrap: str) -> list[str]:
    """Return the ids of what was told, one a record."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"})
    parts = [TopicPartition("sales", number, 0) for number in range(PARTITIONS)]
    left = sum(consumer.get_watermark_offsets(part)[1] for part in parts)
    consumer.assign(parts)
    ids = []
    while left:
        record = consumer.poll(10)
        assert record is not None
        ids.append(dict(kept(record.headers()))["ce_id"].decode())
        left -= 1
    consumer.close()
    return ids


@pytest.fixture
async def shop(own_backend) -> AsyncIterator[Shop]:
    connection = Connection(bootstrap=own_backend.bootstrap, client_id="test")
    await create(connection, [domain_topic(name, partitions=PARTITIONS) for name in ("orders", "sales")])
    (catalogue,) = catalogues.discover()
    publisher = KafkaPublisher(connection)
    yield Shop(publisher, Codec(catalogue))
    await publisher.close()


async def counted(worker: Worker, number: int) -> None:
    async with asyncio.timeout(60):
        while sum(line["orders"] for line in await worker.sales("total")) != number:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


REASON = ("--reason", "a test", "--yes")


@LONG
async def test_the_figures_are_complete_in_every_answer_while_they_are_rebuilt(own_backend, tmp_path, shop) -> None:
    await shop.place(HISTORY)
    async with running(own_backend, tmp_path, FARANDOLE_ANALYTICS_SETTLE="PT0.5S") as worker:
        await worker.until(lambda status: status["counting"])
        await worker.until(lambda status: status["totals"]["told"] >= 3)
        asking, placing = Asking(worker), asyncio.create_task(shop.go_on())

        outcome = await done(own_backend, tmp_path, *REASON)
        await worker.until(lambda status: status["generation"] == 2)

        placing.cancel()
        await asyncio.wait({placing})
        await counted(worker, shop.placed)
        await asking.end()
        assert outcome["generation"] == 2
        assert outcome["served_by"] == ["analytics"]
        before = (await worker.status())["totals"]["told"]
        await worker.until(lambda status: status["totals"]["told"] > before)
        assert await worker.end() < 10
    assert {id_: count for id_, count in Counter(told(own_backend.bootstrap)).items() if count > 1} == {}


@LONG
@pytest.mark.timeout(300)
async def test_kills_in_the_middle_lose_nothing_and_there_is_a_way_back(own_backend, tmp_path, shop) -> None:
    await shop.place(HISTORY * 5)
    async with running(own_backend, tmp_path) as worker:
        await worker.until(lambda status: status["counting"])
        asking, placing = Asking(worker), asyncio.create_task(shop.go_on())
        async with command(own_backend, tmp_path, *REASON) as rebuild:
            await _is_half_done(own_backend)
            rebuild.send_signal(signal.SIGKILL)
            await rebuild.wait()
        assert (await done(own_backend, tmp_path, "status"))["building"] == 2
        async with command(own_backend, tmp_path, *REASON) as rebuild:
            await asyncio.sleep(3)
            asking.is_down = True
            await worker.kill()
            async with running(own_backend, tmp_path) as reborn:
                asking.worker = reborn
                out, _ = await asyncio.wait_for(rebuild.communicate(), 120)
                assert rebuild.returncode == 0, (tmp_path / "command.log").read_text()
                assert json.loads(out)["generation"] == 2
                await reborn.until(lambda status: status["generation"] == 2)
                asking.is_down = False
                placing.cancel()
                await asyncio.wait({placing})
                await counted(reborn, shop.placed)

                await done(own_backend, tmp_path, "undo", *REASON)
                await reborn.until(lambda status: status["generation"] == 1)
                await counted(reborn, shop.placed)
                assert (await done(own_backend, tmp_path, "drop", *REASON))["generations"] == [2]
                await asking.end()
                await reborn.end()


async def _is_half_done(backend) -> None:
    logs = Logs(Connection(bootstrap=backend.bootstrap, client_id="test"), ("orders",))
    async with asyncio.timeout(60):
        while not sum((await logs.committed("analytics.g2")).values()) > 100:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
