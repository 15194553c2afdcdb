"""A service's database is away: ended, cut off, half-open, slow, locked by somebody else, or full.

The service stands between a real Kafka and a real PostgreSQL behind a proxy, or a real SQLite file. What it is given
waits: nothing is tried by another road, nothing becomes a retry or a dead letter, for no handler has failed. Whoever
asks by HTTP is told 503 and why, within seconds, also by a server that never answers. Afterwards everything is there
once, without anybody's doing.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from answering import Answering
from farandole.testing import CUT, HALF_OPEN, HEALTHY, TcpProxy, slow
from farandole.testing.postgres import PostgreSQLServer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from world import message

FEW = 12
pytestmark = pytest.mark.mesh


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture
async def line(postgresql: PostgreSQLServer, mine) -> AsyncIterator[tuple[str, TcpProxy]]:
    """The URL of a database of this test's own, and the proxy that it leads through."""
    url = make_url(postgresql.database(mine.tag))
    async with TcpProxy(to=Path(str(url.query["host"])) / ".s.PGSQL.5432") as proxy:
        yield f"postgresql://{url.username}@127.0.0.1:{proxy.port}/{mine.tag}", proxy


async def warm(world, answering: Answering) -> None:
    await world.start()
    await world.send(message(answering.mine.asked(thing="warm")))
    assert await world.notes("warm") == {202}
    await world.until(lambda: len(world.read(answering.topic)) == 1)


async def ask(world, mine) -> None:
    await world.send(*(message(mine.asked(thing=f"away-{number}")) for number in range(FEW)))


async def refused_in_words(world) -> None:
    """The HTTP side answers 503, with a sentence, before a client would lose its patience."""
    began = time.monotonic()
    answer = await world.http.post("/notes/refused")
    assert answer.status_code == 503, answer.text
    assert f"the database of {world.service.name} does not answer" in answer.json()["reason"]
    assert "Retry-After" in answer.headers
    assert time.monotonic() - began < 10


async def everything_came_of_it(world, answering: Answering, mine) -> None:
    await world.until(lambda: len(answering.answered(world.read(answering.topic))) == FEW + 1)
    assert await answering.count_effects(world) == FEW + 1
    assert await world.notes("after") == {202}
    await world.eventually(lambda: {"warm", "after"} <= set(answering.answered(world.read(mine.noted.avro.topic))))
    assert world.read(f"{mine.tag}.retry.1") == world.read(f"{mine.tag}.dlq") == []
    await world.nothing_open()


@pytest.mark.parametrize("fault", [CUT, HALF_OPEN], ids=["cut", "half-open"])
async def test_a_postgresql_that_cannot_be_reached_pauses_the_work_and_is_said_by_http(run, mine, line, fault):
    url, proxy = line
    answering = Answering(mine, stored=True)
    world = run(answering, database_url=url)
    await warm(world, answering)

    await proxy.suffer(fault)
    await ask(world, mine)
    await refused_in_words(world)
    assert world.lag() == FEW

    await proxy.suffer(HEALTHY)
    await everything_came_of_it(world, answering, mine)


async def test_a_postgresql_that_ends_and_comes_back_pauses_the_work_meanwhile(run, mine, tmp_path):
    server = PostgreSQLServer()
    await asyncio.to_thread(server.start)
    try:
        answering = Answering(mine, stored=True)
        world = run(answering, database_url=server.database(mine.tag))
        await warm(world, answering)

        await asyncio.to_thread(server.crash)
        await ask(world, mine)
        await refused_in_words(world)
        assert world.lag() == FEW

        await asyncio.to_thread(server.start)
        await everything_came_of_it(world, answering, mine)
        await world.crash()
    finally:
        await asyncio.to_thread(server.remove)


async def test_a_slow_postgresql_is_not_away(run, mine, line):
    url, proxy = line
    answering = Answering(mine, stored=True)
    world = run(answering, database_url=url)
    await warm(world, answering)

    await proxy.suffer(slow(timedelta(milliseconds=150)))
    await ask(world, mine)
    assert await world.notes("slow") == {202}
    await world.until(lambda: len(answering.answered(world.read(answering.topic))) == FEW + 1)
    assert set(answering.runs.values()) == {1}


async def test_a_sqlite_file_that_somebody_else_locks_pauses_the_work_and_is_said_by_http(run, mine, tmp_path):
    answering = Answering(mine, stored=True)
    world = run(answering, database_url=f"sqlite:///{tmp_path / 'locked.db'}")
    await warm(world, answering)

    other = sqlite3.connect(tmp_path / "locked.db", isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    await ask(world, mine)
    await refused_in_words(world)
    assert world.lag() == FEW

    other.execute("ROLLBACK")
    other.close()
    await everything_came_of_it(world, answering, mine)


async def test_a_full_sqlite_file_pauses_the_work_and_is_said_by_http(run, mine, tmp_path):
    answering = Answering(mine, stored=True)
    world = run(answering, database_url=f"sqlite:///{tmp_path / 'full.db'}")
    await warm(world, answering)

    connection = world.store._database._connected
    connection.exec_driver_sql("CREATE TABLE filling (what BLOB)")
    full = connection.exec_driver_sql("PRAGMA page_count").scalar()
    connection.exec_driver_sql(f"PRAGMA max_page_count={full}")
    with suppress(OperationalError):
        for _ in range(100_000):
            connection.exec_driver_sql("INSERT INTO filling VALUES (zeroblob(64))")
    things = [f"{'x' * 2000}-{number}" for number in range(FEW)]
    await world.send(*(message(mine.asked(thing=thing)) for thing in things))
    answer = await world.http.post(f"/notes/{'y' * 3000}")
    assert answer.status_code == 503, answer.text
    assert "does not answer" in answer.json()["reason"]
    assert world.lag() > 0

    connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    await everything_came_of_it(world, answering, mine)
