"""A service as a real process is fed hostile records by the thousand; its memory stays bounded, and it goes on.

Among them are those that are small on the wire and large in memory: a megabyte of items of two bytes, which take sixty
times as much once they are decoded, and records of a hundred thousand headers, which the client takes apart before
anybody can look at them. The handler takes its time over each, so that as many as the worker allows are in its hands at
once. A client that is asked for five hundred of them took over a gigabyte for sixty records of headers alone.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from bad_records import zigzag
from confluent_kafka import Producer
from farandole.engine.runtime import private_topics_of
from farandole.headers import Headers
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create, domain_topic, private_topics
from farandole.local import ports
from farandole.testing.backend import Backend
from hostile_worker import service_of

WITHIN = 240.0
FIRST_ID = 900_001
"""Of the first schema that a process of its own makes, which is that of what it hears."""
PREFIX = b"\0" + FIRST_ID.to_bytes(4, "big") + b"\x02a\x00"
PARTS = 490_000
HEADERS = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Flood:
    """How many of each kind are sent, and the most that the process may take."""

    malformed: int
    heavy: int
    headed: int
    most_megabytes: int


SHORT = Flood(malformed=1_000, heavy=6, headed=40, most_megabytes=500)
"""Took 319 MB with eight heavy ones on a busy machine."""
LONG = Flood(malformed=10_000, heavy=60, headed=300, most_megabytes=700)
"""More than eight decoded megabytes at once, 480 MB; the process itself takes 90, what the client takes apart 120."""


@pytest.mark.mesh
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(
            LONG,
            id="long",
            marks=pytest.mark.skipif(
                os.environ.get("FARANDOLE_LONG") != "1", reason="takes minutes; FARANDOLE_LONG=1 runs it"
            ),
        ),
    ],
)
async def test_its_memory_stays_bounded_and_all_of_them_come_to_an_end(
    backend: Backend, tmp_path: Path, flood: Flood
) -> None:
    tag, (port,) = f"flood-{uuid.uuid4().hex[:8]}", ports.free()
    await send(backend, tag, flood)
    async with running(backend, tag, port, tmp_path / "log") as process:
        totals = await ended(port, flood.malformed + flood.heavy + flood.headed)
        assert (totals["dead"], totals["handled"]) == (flood.malformed, flood.heavy + flood.headed)
        assert most_megabytes(process.pid) < flood.most_megabytes


def records(flood: Flood) -> Iterator[tuple[bytes, Headers]]:
    """Return hostile values with their headers."""
    for number in range(flood.malformed):
        yield PREFIX + zigzag(10**7 + number), ()
    heavy = PREFIX + zigzag(PARTS) + b"\0\0" * PARTS + b"\0" + b"\0\0\0"
    for _ in range(flood.heavy):
        yield heavy, ()
    headers = tuple((f"h{number}", b"") for number in range(HEADERS))
    for _ in range(flood.headed):
        yield PREFIX + b"\0\0\0\0", headers


async def send(backend: Backend, tag: str, flood: Flood) -> None:
    """Make the topics, and write the records to the one that is heard."""
    service = service_of(tag)
    topic = service.handlers[0].event.avro.topic
    await create(
        Connection(bootstrap=backend.bootstrap, client_id=tag),
        [domain_topic(topic, partitions=2), *private_topics(private_topics_of(service), partitions=1)],
    )
    producer = Producer({"bootstrap.servers": backend.bootstrap, "compression.type": "gzip", "linger.ms": 5})
    refused: list[str] = []
    for number, (value, headers) in enumerate(records(flood)):
        producer.produce(
            topic,
            key=str(number),
            value=value,
            headers=list(headers),
            on_delivery=lambda error, _: refused.append(error.str()) if error else None,
        )
        if number >= flood.malformed:
            await asyncio.to_thread(producer.flush, 30)
    assert await asyncio.to_thread(producer.flush, 30) == 0
    assert not refused


@asynccontextmanager
async def running(backend: Backend, tag: str, port: int, log: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run the service as a process of its own."""
    with log.open("wb") as told:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).parent / "hostile_worker.py"),
            env={
                **os.environ,
                "TAG": tag,
                "FARANDOLE_BROKERS": backend.bootstrap,
                "FARANDOLE_CLUSTER": backend.cluster_id,
                "FARANDOLE_REDIS_URL": backend.redis_url,
                "FARANDOLE_HTTP_PORT": str(port),
            },
            stderr=told,
        )
        try:
            yield process
        finally:
            process.kill()
            await process.wait()


async def ended(port: int, count: int) -> dict[str, Any]:
    """Wait until so many deliveries have come to an end; return the totals."""
    deadline, totals = time.monotonic() + WITHIN, dict[str, Any]()
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
        while totals.get("handled", 0) + totals.get("dead", 0) < count:
            assert time.monotonic() < deadline, totals
            await asyncio.sleep(0.2)
            try:
                totals = (await http.get("/status")).json()["totals"]
            except httpx2.TransportError:
                continue
    return totals


def most_megabytes(pid: int) -> int:
    """Return the most that a process has taken since it began."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"))
    assert found is not None
    return int(found[1]) // 1024
