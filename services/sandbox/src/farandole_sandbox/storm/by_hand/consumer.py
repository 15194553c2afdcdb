"""Consumer: reads orders with a plain Kafka client, asks the gateway, and publishes its answers.

It has what a careful person gives it: as many connections as the payments service, an idempotency key for each order,
the same retry policy, a topic for dead letters, an idempotent producer. It has no breaker. It never commits, which is
a kindness: nobody kills it here, and so nothing that it holds in memory can be lost.
"""

from __future__ import annotations

import asyncio
import struct
import uuid
from functools import cache
from io import BytesIO
from random import Random
from typing import Any, Final

import fastavro
import httpx2
from confluent_kafka import Consumer, Message, Producer
from farandole_events import CATALOGUE

from farandole_sandbox.storm.by_hand.gateway import Answer, Gateway
from farandole_sandbox.storm.by_hand.patience import back_off, insist
from farandole_sandbox.storm.by_hand.settings import Settings
from farandole_sandbox.storm.way import Way

_BATCH: Final = 500
_POLL: Final = 0.2
_PREFIX: Final = 5
_ORDERS: Final = "orders"
_PAYMENTS: Final = "payments"
_DEAD: Final = "payments.dlq"
"""The topics of the payments service, whose place it takes."""


async def consume(settings: Settings, *, brokers: str, gateway: str) -> None:
    """Read and answer orders until the process is ended; ``gateway`` is the base of its address."""
    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": "by-hand", "auto.offset.reset": "earliest"}
        | {"enable.auto.commit": False, "log_level": 2}
    )
    consumer.subscribe([_ORDERS])
    limits = httpx2.Limits(max_connections=settings.connections, max_keepalive_connections=settings.connections)
    timeout = httpx2.Timeout(10, pool=None)
    async with (
        httpx2.AsyncClient(base_url=gateway, limits=limits, timeout=timeout) as client,
        asyncio.TaskGroup() as tasks,
    ):
        desk = Desk(settings, Gateway(client), brokers=brokers)
        tasks.create_task(desk.report())
        while True:
            for message in await asyncio.to_thread(consumer.consume, _BATCH, _POLL):
                if message.error() is None:
                    tasks.create_task(desk.serve(message))


class Desk:
    """Serves one order at a slot, and has as many slots as the client has connections."""

    def __init__(self, settings: Settings, gateway: Gateway, *, brokers: str) -> None:
        self._gateway = gateway
        self._way = settings.way
        self._slots = asyncio.Semaphore(settings.connections)
        self._random = Random()
        self._producer = Producer(
            {"bootstrap.servers": brokers, "enable.idempotence": True, "linger.ms": 5, "log_level": 2}
        )
        self._backoff = settings.backoff

    async def serve(self, message: Message) -> None:
        """See one order through: to an answer, or to the dead letters."""
        order, key = decoded(message.value() or b""), _event_id(message)

        async def ask() -> Any:
            return await self._gateway.hold(order, key=key)

        if self._way is Way.NAIVE:
            answer: Answer | None = await insist(ask, self._slots)
        else:
            answer = await back_off(ask, self._slots, backoff=self._backoff, random=self._random)
        if answer is None:
            self._producer.produce(_DEAD, key=message.key(), value=message.value(), headers=message.headers() or [])
        else:
            self._publish(answer, key)

    def _publish(self, answer: Answer, cause: str) -> None:
        name = "farandole.payments." + ("PaymentAuthorised" if answer.authorised else "PaymentDeclined")
        headers: list[tuple[str, str | bytes | None]] = [("ce_id", str(uuid.uuid5(uuid.UUID(cause), name)))]
        self._producer.produce(
            _PAYMENTS, key=answer.fields["order_id"].encode(), value=encoded(name, answer.fields), headers=headers
        )

    async def report(self) -> None:
        """Serve the producer's delivery reports."""
        while True:
            self._producer.poll(0)
            await asyncio.sleep(_POLL)


def decoded(value: bytes) -> dict[str, Any]:
    """Decode an event from Confluent's wire format."""
    (schema_id,) = struct.unpack(">xI", value[:_PREFIX])
    order = fastavro.schemaless_reader(BytesIO(value[_PREFIX:]), _parsed(schema_id), None)
    assert isinstance(order, dict), "events are records"
    return order


def encoded(name: str, fields: dict[str, Any]) -> bytes:
    """Encode an event in Confluent's wire format."""
    schema, out = CATALOGUE[name], BytesIO()
    out.write(struct.pack(">xI", schema.id))
    fastavro.schemaless_writer(out, _parsed(schema.id), fields)
    return out.getvalue()


@cache
def _parsed(schema_id: int) -> Any:
    return fastavro.parse_schema(dict(CATALOGUE.by_id(schema_id).avsc))


def _event_id(message: Message) -> str:
    headers: Any = message.headers() or []
    return str(dict(headers)["ce_id"].decode())
