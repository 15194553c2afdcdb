"""While the brokers are away the producer holds a bounded number of bytes, says why, and gives up what it was given."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from farandole.engine.ports import Message
from farandole.errors import BrokerUnavailableError
from farandole.kafka import publisher as publisher_module
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.local import ports

LARGE = 1_000_000


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(publisher_module, "DELIVERED_WITHIN", timedelta(milliseconds=500))
    monkeypatch.setattr(publisher_module, "MOST_QUEUED_KB", 4 * 1024)
    return Connection(bootstrap=f"127.0.0.1:{ports.free()[0]}", client_id="test")


async def test_what_is_queued_is_bounded_in_bytes_and_everybody_is_told_in_the_end(nobody_there: Connection) -> None:
    publisher = KafkaPublisher(nobody_there)
    large = Message(topic="orders", key=b"k", value=bytes(LARGE), headers=())
    publishing = [asyncio.ensure_future(publisher.publish([large])) for _ in range(20)]
    most = 0
    async with asyncio.timeout(60):
        while not all(one.done() for one in publishing):
            most = max(most, len(publisher._producer))
            await asyncio.sleep(0.02)
    assert 0 < most * LARGE <= 5 * 1024 * 1024
    assert all(isinstance(one.exception(), BrokerUnavailableError) for one in publishing)
    assert publisher.error is not None
    assert "down" in publisher.error or "Connection refused" in publisher.error
    publisher._stop.set()
