"""A database that is away, locked or full is said to be away, with its cause; a service's own mistakes are not."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path

import pytest
from farandole.errors import StartError, StoreUnavailableError
from farandole.store import Store
from farandole.store.failure import means_away, translated
from farandole.testing.postgres import PostgreSQLServer
from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

SETTINGS = ("journal_mode", "synchronous", "foreign_keys")
IMPATIENT = timedelta(milliseconds=200)


async def insert(store: Store, table: Table, key: str = "a") -> None:
    async with store.transaction() as work:
        await work.execute(table.insert(), {"order_id": key, "amount": 1})


async def test_a_store_that_is_open_answers_and_one_that_is_not_says_so(store: Store, another: Callable[[], Store]):
    await store.check()
    closed = another()
    with pytest.raises(StoreUnavailableError, match="not open"):
        await closed.check()
    await closed.close()


async def test_a_statement_that_is_wrong_is_no_outage(store: Store):
    async with store.reading() as work:
        with pytest.raises(DBAPIError):
            await work.execute(text("SELECT nothing FROM nowhere"))
    async with store.delivery("s", "e", 0, b"") as delivery:
        with pytest.raises(DBAPIError):
            await delivery.work.execute(text("SELECT nothing FROM nowhere"))


async def test_replicas_that_start_at_once_all_come_up(another: Callable[[], Store], table: Table):
    replicas = [another() for _ in range(6)]
    await asyncio.gather(*(replica.open() for replica in replicas))

    for number, replica in enumerate(replicas):
        await insert(replica, table, str(number))
        await replica.close()


async def test_opening_again_keeps_what_is_there(store: Store, another: Callable[[], Store], table: Table):
    await insert(store, table)
    later = another()
    await later.open()
    async with later.reading() as work:
        assert await work.scalar(select(table.c.order_id)) == "a"
    await later.close()


async def test_the_database_of_another_service_is_refused(store: Store, url: str):
    intruder = Store(url, service="crm")
    with pytest.raises(StartError, match="it belongs to payments"):
        await intruder.open()
    await intruder.close()


@pytest.mark.parametrize("bad", ["mysql://host/db", "nonsense", ""])
def test_a_url_that_is_neither_is_refused_with_an_example(bad: str):
    with pytest.raises(StartError, match="sqlite:///path"):
        Store(bad, service="payments")


def test_a_refused_url_does_not_show_its_password():
    with pytest.raises(StartError) as refused:
        Store("mysql://user:hunter2@host/db", service="payments")
    assert "hunter2" not in str(refused.value)


async def test_a_lock_that_is_held_too_long_is_an_outage(store: Store, url: str, table: Table):
    impatient = Store(url, service="payments", patience=IMPATIENT)
    await impatient.open()
    await insert(store, table)
    async with store.delivery("s", "e", 0, b"") as holder:
        await holder.work.execute(table.insert(), {"order_id": "b", "amount": 1})
        with pytest.raises(StoreUnavailableError) as away:
            await impatient.tombstone("s", "e", 0)
        assert isinstance(away.value.__cause__, DBAPIError | sqlite3.Error)
        await holder.finish(())
    entry = await impatient.tombstone("s", "e", 0)
    assert entry is not None
    await impatient.close()


async def test_a_sqlite_store_without_a_path_lives_in_a_folder_that_goes_with_it(table: Table):
    store = Store("sqlite://", metadata=[table.metadata], service="payments")
    await store.open()
    await insert(store, table)
    async with store.reading() as work:
        file = Path((await work.execute(text("PRAGMA database_list"))).one().file)
    assert file.exists()  # noqa: ASYNC240 - a look at a local file
    await store.close()
    assert not file.parent.exists()


async def test_a_sqlite_file_that_cannot_be_opened_is_an_outage(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "no.db").write_bytes(b"not a database" * 100)
    for bad in ("file/service.db", "no.db"):
        store = Store(f"sqlite:///{tmp_path / bad}", service="payments")
        with pytest.raises(StoreUnavailableError, match="the database of payments does not answer"):
            await store.open()
        await store.close()


async def test_a_sqlite_store_runs_in_wal_with_foreign_keys_and_normal_durability(tmp_path: Path, table: Table):
    store = Store(f"sqlite:///{tmp_path / 'deep' / 'er' / 's.db'}", metadata=[table.metadata], service="payments")
    await store.open()
    async with store.transaction() as work:
        settings = [
            await work.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    await store.close()
    assert settings == ["wal", 1, 1]


def test_a_full_disk_is_an_outage():
    engine = create_engine("sqlite://")
    metadata = MetaData()
    blobs = Table("blobs", metadata, Column("n", Integer, primary_key=True), Column("body", Text))
    with engine.connect() as connection:
        metadata.create_all(connection)
        connection.execute(text("PRAGMA max_page_count=3"))
        with pytest.raises(StoreUnavailableError, match="full"), translated("payments"):
            connection.execute(blobs.insert(), {"body": "x" * 100_000})


@pytest.fixture
def own_server() -> Generator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


async def test_a_server_that_crashes_is_an_outage_until_it_is_back(own_server: PostgreSQLServer, table: Table):
    store = Store(own_server.database("one"), metadata=[table.metadata], service="payments")
    await store.open()
    await insert(store, table, "before")

    async with store.delivery("s", "e", 0, b"") as delivery:
        await delivery.work.execute(table.insert(), {"order_id": "in flight", "amount": 1})
        own_server.crash()
        with pytest.raises(StoreUnavailableError):
            await delivery.finish(())
    for attempt in (store.check(), insert(store, table, "away"), store.tombstone("s", "e", 0), store.outbox.oldest(1)):
        with pytest.raises(StoreUnavailableError) as away:
            await attempt
        assert isinstance(away.value.__cause__, OperationalError)

    own_server.start()
    await store.check()
    await insert(store, table, "after")
    async with store.reading() as work:
        orders = (await work.execute(select(table.c.order_id))).scalars().all()
    assert sorted(orders) == ["after", "before"]
    await store.close()


async def test_a_server_that_is_not_there_at_the_start_is_an_outage(tmp_path: Path):
    store = Store(f"postgresql://nobody:hunter2@/db?host={tmp_path}", service="payments")
    with pytest.raises(StoreUnavailableError) as away:
        await store.open()
    assert "hunter2" not in str(away.value)
    await store.close()


@pytest.mark.parametrize(
    ("state", "away"),
    [("57P01", True), ("53100", True), ("40P01", True), ("25P03", True), ("23505", False), ("42P01", False)],
)
def test_postgresql_states_are_told_apart(state: str, away: bool):
    class ReportedError(Exception):
        sqlstate = state

    assert means_away(OperationalError("SELECT 1", {}, ReportedError())) is away
