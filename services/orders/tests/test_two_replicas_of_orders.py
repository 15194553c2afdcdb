"""Two replicas on one PostgreSQL: they hear different reasons to end an order, and take the same key, at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from farandole.testing import Harness
from farandole.testing.postgres import PostgreSQLServer
from farandole_events import (
    InvoiceIssued,
    OrderCancelled,
    OrderCompleted,
    OrderPlaced,
    PaymentDeclined,
    ShipmentDelivered,
    StockRejected,
)
from farandole_orders.service import service
from farandole_orders.tables import idempotency_keys, orders
from sqlalchemy import func, select, text

Replicas = tuple[Harness, Harness]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture
async def replicas(server: PostgreSQLServer) -> AsyncIterator[Replicas]:
    url = server.database(f"orders_{uuid4().hex}")
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(Harness(service, database_url=url))
        other = await stack.enter_async_context(Harness(service, database_url=url))
        yield one, other


async def test_two_reasons_to_cancel_at_once_cancel_once(replicas: Replicas, body: dict[str, Any]):
    one, other = replicas
    for number in range(10):
        order_id = (await _order(one, body, key=str(number))).json()["order_id"]
        await asyncio.gather(
            one.deliver(StockRejected(order_id=order_id, reason="none left", lines=())),
            other.deliver(PaymentDeclined(order_id=order_id, reason="no money")),
        )
    ended = [event.order_id for replica in replicas for event in replica.events(OrderCancelled)]
    assert (len(ended), len(set(ended))) == (10, 10)


async def test_both_halves_at_once_complete_once(replicas: Replicas, body: dict[str, Any]):
    one, other = replicas
    now = one.clock.now()
    for number in range(10):
        order_id = (await _order(one, body, key=str(number))).json()["order_id"]
        delivered = ShipmentDelivered(order_id=order_id, shipment_id="s", tracking_number="t", delivered_at=now)
        invoiced = InvoiceIssued(
            order_id=order_id,
            invoice_number=number,
            customer_id="VINET",
            total_cents=1,
            currency="USD",
            paid=True,
            issued_at=now,
        )
        await asyncio.gather(one.deliver(delivered), other.deliver(invoiced))
    ended = [event.order_id for replica in replicas for event in replica.events(OrderCompleted)]
    assert (len(ended), len(set(ended))) == (10, 10)


async def test_while_one_replica_works_on_a_key_the_other_tells_to_wait(replicas: Replicas, body: dict[str, Any]):
    one, other = replicas
    assert one.store is not None
    async with one.store.transaction() as work:
        await work.execute(_lock_table())
        both = [asyncio.create_task(_order(replica, body, key="a")) for replica in replicas]
        done, waiting = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().status_code for task in done] == [409]
    assert (await waiting.pop()).status_code == 202
    again = await _order(other, body, key="a")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    await asyncio.gather(one.settle(), other.settle())
    assert sum(len(replica.events(OrderPlaced)) for replica in replicas) == 1


async def test_a_crowd_of_requests_at_both_replicas_waits_and_gets_no_error(replicas: Replicas, body: dict[str, Any]):
    answers = await asyncio.gather(*(_order(replicas[n % 2], body, key=f"{n // 4}") for n in range(400)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["order_id"] for answer in answers if answer.status_code == 202}) == 100
    assert await _count(replicas[0]) == 100


async def _order(replica: Harness, body: Mapping[str, Any], *, key: str) -> httpx2.Response:
    return await replica.http.post("/orders", json=dict(body), headers={"Idempotency-Key": key})


async def _count(replica: Harness) -> int:
    assert replica.store is not None
    async with replica.store.reading() as work:
        return int(await work.scalar(select(func.count()).select_from(orders)))


def _lock_table() -> Any:
    return text(f"LOCK TABLE {idempotency_keys.name} IN EXCLUSIVE MODE")
