"""A server that accepts and never answers must not hold a request, a delivery or a connection for ever.

The kernel's timeouts do not see it: the server's own kernel acknowledges everything. So an answer that stays out is cut
off. A statement that merely takes too long, while the server answers others, is no outage: it may do so for ever.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest
from farandole.errors import FarandoleError, StoreUnavailableError
from farandole.http.refusal import REFUSALS
from farandole.store import Store
from farandole.testing import HALF_OPEN, HEALTHY, TcpProxy
from farandole.testing.postgres import PostgreSQLServer
from sqlalchemy import MetaData, text
from sqlalchemy.engine import make_url
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

IMPATIENT = timedelta(milliseconds=500)


@pytest.fixture
def hung(postgresql: PostgreSQLServer, request: pytest.FixtureRequest) -> str:
    return postgresql.database(f"hung_{abs(hash(request.node.name))}")


async def test_every_road_to_a_server_that_never_answers_ends_within_seconds(hung: str) -> None:
    url = make_url(hung)
    async with TcpProxy(to=Path(str(url.query["host"])) / ".s.PGSQL.5432") as proxy:
        through = f"postgresql://{url.username}@127.0.0.1:{proxy.port}/{url.database}"
        store = Store(through, metadata=[MetaData()], service="payments", patience=IMPATIENT)
        await store.open()
        await store.check()
        await proxy.suffer(HALF_OPEN)

        began = time.monotonic()
        roads = (store.check(), store.tombstone("s", "e", 0), store.handled([("s", "e")]), store.outbox.oldest(1))
        for outcome in await asyncio.gather(*roads, return_exceptions=True):
            assert isinstance(outcome, StoreUnavailableError), outcome
        assert time.monotonic() - began < 8

        await proxy.suffer(HEALTHY)
        await store.check()
        await store.close()


async def test_a_statement_that_takes_too_long_on_a_server_that_answers_is_a_failure(hung: str) -> None:
    store = Store(hung, metadata=[MetaData()], service="payments", patience=IMPATIENT)
    await store.open()
    with pytest.raises(FarandoleError, match="longer than 1 s") as slow:
        async with store.transaction() as work:
            await work.execute(text("SELECT pg_sleep(5)"))
    assert slow.value.code == "E308"
    assert not isinstance(slow.value, StoreUnavailableError)
    await store.check()
    await store.close()


async def test_a_relay_that_waits_for_its_broker_idles_in_no_transaction(hung: str) -> None:
    """The server ends a transaction that idles for a minute, and with it the lock that keeps other relays away."""
    store, peer = (Store(hung, metadata=[MetaData()], service="payments") for _ in range(2))
    await store.open()
    await peer.open()
    idling = text("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'")
    locks = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    async with store.outbox.batch(10), peer.reading() as work:
        assert await work.scalar(locks) == 1
        assert await work.scalar(idling) == 0
    async with peer.reading() as work:
        assert await work.scalar(locks) == 0
    await store.close()
    await peer.close()


def test_while_its_database_is_away_a_service_answers_503_with_a_sentence() -> None:
    async def take(_: Request) -> Response:
        raise StoreUnavailableError("the database of payments does not answer", why="the password of it is hunter2")

    app = Starlette(routes=[Route("/", take)], exception_handlers=REFUSALS)
    answer = TestClient(app).get("/")
    assert answer.status_code == 503
    assert answer.json() == {
        "error": "unavailable",
        "reason": "the database of payments does not answer; nothing is known to have been stored: send it again",
    }
    assert answer.headers["Retry-After"] == "2"
