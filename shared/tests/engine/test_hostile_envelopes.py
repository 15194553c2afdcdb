"""An envelope that a database refuses must not stop a service that has one.

PostgreSQL takes no NUL in a text, and no key of kilobytes in an index: the inbox's row could be neither looked for nor
written, nor could the tombstone that a dead letter needs. Such an attribute is not believed; the record is handled all
the same, by its place where its id is what cannot be kept.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Iterator

import pytest
from farandole import Service, UnitOfWork
from farandole.engine.ports import Message
from farandole.testing import Harness
from farandole.testing.postgres import PostgreSQLServer
from farandole_events import OrderCancelled
from sqlalchemy import MetaData

LONG = "".join(random.Random(0).choices("0123456789abcdef", k=20_000)).encode()  # which no index compresses


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


@pytest.mark.parametrize(
    "hostile",
    [("ce_id", b"a\0b"), ("ce_source", b"a\0b"), ("ce_source", LONG), ("ce_id", LONG), ("ce_id", b"\xed\xa0\x80")],
    ids=["NUL in the id", "NUL in the source", "a long source", "a long id", "a surrogate in the id"],
)
async def test_it_is_handled_and_nothing_waits_behind_it(
    postgresql: PostgreSQLServer, hostile: tuple[str, bytes]
) -> None:
    heard: list[str] = []
    service = Service("hostile", tables=MetaData())

    async def listen(event: OrderCancelled, work: UnitOfWork) -> None:
        heard.append(event.reason)

    service.on(OrderCancelled)(listen)
    url = postgresql.database(f"hostile_{uuid.uuid4().hex}")
    async with asyncio.timeout(20), Harness(service, database_url=url) as harness:
        value = harness.runtime.codec.encode(
            OrderCancelled(order_id="o-1", customer_id="c-1", reason="bad", cause="customer")
        )
        honest = {"ce_id": b"e-1", "ce_type": OrderCancelled.avro.fullname.encode(), "ce_source": b"s"}
        headers = tuple({**honest, hostile[0]: hostile[1]}.items())
        await harness.deliver_record(Message(topic="orders", key=b"k", value=value, headers=headers))
        assert heard == ["bad"]
        assert harness.runtime.metrics.totals().handled == 1
        assert harness.broker.committed["hostile", "orders"] == 1
