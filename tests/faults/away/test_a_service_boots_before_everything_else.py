"""A service that starts before what it stands on waits, says for what, and goes on: whatever the order, nobody helps.

A real process is started while its broker, its database and its Redis cannot be reached. They come one after the other,
and each time its log says what it waits for next; at the end it handles what was sent meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import httpx2
import pytest
from booting_service import service
from breakable_kafka import BreakableKafka
from breakable_redis import BreakableRedis
from farandole.engine.runtime import private_topics_of
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic, private_topics
from farandole.local import ports
from farandole.testing import CUT, HEALTHY, TcpProxy
from farandole.testing.postgres import PostgreSQLServer
from farandole_events import OrderCancelled
from sqlalchemy.engine import make_url
from world import message

pytestmark = [
    pytest.mark.mesh,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        os.environ.get("FARANDOLE_LONG") != "1",
        reason="four servers and a process, one after the other, for more than a minute; FARANDOLE_LONG=1 runs it",
    ),
]


async def says(log: asyncio.StreamReader, what: str) -> None:
    """Read the log until it says so."""
    heard: list[str] = []
    async with asyncio.timeout(60):
        while line := await log.readline():
            heard.append(line.decode())
            if json.loads(line).get("event") == what:
                return
    raise AssertionError(f"it ended without a word of {what!r}:\n{''.join(heard)}")


async def test_it_waits_for_each_says_for_what_and_goes_on(tmp_path: Path, redis: BreakableRedis) -> None:
    with PostgreSQLServer() as server:
        url = make_url(server.database("booting"))
        socket = Path(str(url.query["host"])) / ".s.PGSQL.5432"
        async with BreakableKafka(tmp_path / "kafka") as kafka, TcpProxy(to=socket) as line:
            outside = Connection(bootstrap=kafka.broker.bootstrap, client_id="outside")
            topics = private_topics(private_topics_of(service), partitions=1)
            await create(outside, [domain_topic("orders", partitions=1), *topics])
            for proxy in (kafka.proxy, line, redis.proxy):
                await proxy.suffer(CUT)
            (http,) = ports.free()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(__file__).with_name("booting_service.py")),
                stderr=asyncio.subprocess.PIPE,
                env=os.environ
                | {
                    "FARANDOLE_BROKERS": kafka.bootstrap,
                    "FARANDOLE_DATABASE_URL": f"postgresql://{url.username}@127.0.0.1:{line.port}/booting",
                    "FARANDOLE_REDIS_URL": redis.url,
                    "FARANDOLE_HTTP_PORT": str(http),
                },
            )
            log = process.stderr
            assert log is not None
            try:
                await says(log, "waiting for the brokers")
                await kafka.proxy.suffer(HEALTHY)
                await says(log, "waiting for the database")
                await line.suffer(HEALTHY)
                await says(log, "waiting for the ledger")
                async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{http}") as client:
                    status = (await client.get("/status")).json()
                    assert status["ledger"].startswith("the ledger in Redis is away: ")

                    publisher = KafkaPublisher(outside)
                    event = OrderCancelled(order_id="o-1", customer_id="c-1", reason="x", cause="customer")
                    await publisher.publish([message(event)])
                    await publisher.close()
                    await redis.proxy.suffer(HEALTHY)
                    await says(log, "the ledger is back")
                    async with asyncio.timeout(60):
                        while (await client.get("/status")).json()["totals"]["handled"] != 1:  # noqa: ASYNC110 - a process's state
                            await asyncio.sleep(0.05)
            finally:
                process.terminate()
                await process.wait()
