"""The epoch on a real Redis: a wipe, a crash, a promoted replica, all end it, and nothing in flight survives that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from farandole.delivery import Coordinates
from farandole.errors import EpochChangedError, LedgerUnavailableError, StartError
from farandole.ledger import Claim, RedisLedger, Settle, State, Verdict, event_key
from farandole.local.redis import Redis as LocalRedis
from farandole.testing.backend import RedisServer
from redis.asyncio import Redis

KEY = event_key("orders", "order-1-placed")
HERE = Coordinates(topic="orders", partition=0, offset=41)
COPY = Coordinates(topic="orders", partition=1, offset=12)
CLAIM = Claim(key=KEY, attempt=0, coordinates=HERE)
DONE = Settle(key=KEY, attempt=0, coordinates=HERE, state=State.DONE)


@pytest_asyncio.fixture
async def ledger(own_redis: RedisServer) -> AsyncIterator[RedisLedger]:
    made = RedisLedger(own_redis.url, cluster="c", service="payments")
    yield made
    await made.close()


@pytest_asyncio.fixture
async def raw(own_redis: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(own_redis.url) as client:
        yield client


async def test_a_wiped_redis_refuses_claims_and_settles_until_the_worker_rejoins(ledger: RedisLedger, raw: Redis):
    before = await ledger.join()
    await ledger.exchange(before, [], [CLAIM])
    await raw.flushall()
    for _ in range(2):
        with pytest.raises(EpochChangedError):
            await ledger.exchange(before, [DONE], [CLAIM])
    after = await ledger.join()
    assert after != before
    assert await ledger.lookup([KEY]) == {KEY: None}
    with pytest.raises(EpochChangedError):
        await ledger.exchange(before, [DONE], [])
    assert (await ledger.exchange(after, [], [CLAIM])).claimed == (Verdict.RUN,)


async def test_a_restart_ends_the_epoch_although_its_key_survives(ledger: RedisLedger, own_redis: RedisServer):
    before = await ledger.join()
    await ledger.exchange(before, [], [CLAIM])
    await own_redis.kill()
    await own_redis.start()
    with pytest.raises(EpochChangedError):
        await ledger.exchange(before, [DONE], [])
    after = await ledger.join()
    assert after != before
    answers = await ledger.exchange(after, [], [CLAIM, Claim(key=KEY, attempt=0, coordinates=COPY)])
    assert answers.claimed == (Verdict.RUN, Verdict.DROP), "what Redis kept still counts"


async def test_a_peer_that_saw_nothing_is_refused_once_somebody_rejoined(own_redis: RedisServer, raw: Redis):
    first, second = (RedisLedger(own_redis.url, cluster="c", service="payments") for _ in range(2))
    epoch = await first.join()
    assert await second.join() == epoch
    await raw.flushall()
    await first.join()
    with pytest.raises(EpochChangedError):
        await second.exchange(epoch, [], [CLAIM])
    assert await second.join() == await first.join()
    await first.close()
    await second.close()


async def test_promoting_a_lagging_replica_in_the_middle_of_a_batch_ends_the_epoch(tmp_path: Path):
    """The claim never reached the replica; its worker must not settle there, nor anybody else's verdict stand."""
    primary, replica = LocalRedis(tmp_path / "primary"), LocalRedis(tmp_path / "replica")
    await primary.start()
    await replica.start()
    old, new = (RedisLedger(server.url, cluster="c", service="payments") for server in (primary, replica))
    async with Redis.from_url(replica.url) as raw:
        try:
            epoch = await old.join()
            await raw.replicaof("127.0.0.1", str(primary.port))
            await _until_copied(raw, b"farandole:{c:payments}:epoch")
            epoch = await old.join()  # the first replica of a primary draws a new replication id
            await _until_copied(raw, b"farandole:{c:payments}:epoch", epoch)
            with pytest.raises(LedgerUnavailableError, match="ReadOnlyError"):
                await new.exchange(epoch, [], [])
            await primary.kill()
            await raw.replicaof("NO", "ONE")
            with pytest.raises(EpochChangedError):
                await new.exchange(epoch, [DONE], [CLAIM])
            assert await new.join() != epoch
        finally:
            await old.close()
            await new.close()
            await primary.stop()
            await replica.stop()


async def _until_copied(raw: Redis, key: bytes, value: str | None = None) -> None:
    async with asyncio.timeout(20):
        while True:
            found = await raw.hget(key, "value")  # type: ignore[misc]
            if found is not None and value in (None, found.decode()):
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_a_redis_that_may_evict_is_refused_with_what_to_do(ledger: RedisLedger, raw: Redis, policy: str):
    await raw.config_set("maxmemory-policy", policy)
    with pytest.raises(StartError, match=rf"(?s){policy}.*CONFIG SET maxmemory-policy noeviction"):
        await ledger.join()


async def test_a_redis_that_is_away_says_so_and_serves_again_when_it_is_back(
    ledger: RedisLedger, own_redis: RedisServer
):
    await ledger.join()
    await own_redis.stop()
    for ask in (ledger.join(), ledger.entries(), ledger.lookup([KEY]), ledger.exchange("any", [], [CLAIM])):
        with pytest.raises(LedgerUnavailableError):
            await ask
    await own_redis.start()
    assert (await ledger.exchange(await ledger.join(), [], [CLAIM])).claimed == (Verdict.RUN,)


async def test_a_full_redis_applies_nothing_of_an_exchange(ledger: RedisLedger, raw: Redis):
    epoch = await ledger.join()
    await ledger.exchange(epoch, [], [CLAIM])
    await raw.config_set("maxmemory", "1mb")
    with pytest.raises(LedgerUnavailableError, match="maxmemory"):
        await ledger.exchange(epoch, [DONE], [Claim(key=event_key("orders", "2"), attempt=0, coordinates=COPY)])
    await raw.config_set("maxmemory", "0")
    found = await ledger.lookup([KEY, event_key("orders", "2")])
    assert [entry and entry.state for entry in found.values()] == [State.CLAIMED, None]


async def test_a_forgotten_script_is_sent_again(ledger: RedisLedger, raw: Redis):
    epoch = await ledger.join()
    await ledger.exchange(epoch, [], [])
    await raw.script_flush()
    assert (await ledger.exchange(epoch, [], [CLAIM])).claimed == (Verdict.RUN,)


async def test_a_connection_that_the_server_closed_is_replaced_without_a_word(ledger: RedisLedger, raw: Redis):
    epoch = await ledger.join()
    await raw.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert (await ledger.exchange(epoch, [], [CLAIM])).claimed == (Verdict.RUN,)


async def test_clusters_and_services_do_not_share_entries(redis: RedisServer):
    cluster = uuid4().hex
    names = [(cluster, "payments"), (cluster, "inventory"), (uuid4().hex, "payments")]
    ledgers = [RedisLedger(redis.url, cluster=cluster, service=service) for cluster, service in names]
    for ledger in ledgers:
        answers = await ledger.exchange(await ledger.join(), [], [CLAIM, Claim(key=KEY, attempt=0, coordinates=COPY)])
        assert answers.claimed == (Verdict.RUN, Verdict.DROP)
        await ledger.close()


def test_a_url_that_cannot_be_used_is_refused_without_its_secret():
    with pytest.raises(StartError) as refused:
        RedisLedger("http://:hunter2@localhost", cluster="c", service="payments")
    assert "hunter2" not in str(refused.value)
    assert "redis://" in str(refused.value)


async def test_a_demoted_primary_is_left_so_that_the_next_try_may_find_the_new_one(ledger: RedisLedger, raw: Redis):
    epoch = await ledger.join()
    await raw.replicaof("127.0.0.1", "1")
    others = await _connections(raw)
    assert others
    with pytest.raises(LedgerUnavailableError, match="ReadOnlyError"):
        await ledger.exchange(epoch, [], [CLAIM])
    async with asyncio.timeout(10):
        while others & await _connections(raw):  # noqa: ASYNC110 - the server is another process
            await asyncio.sleep(0.02)


async def _connections(raw: Redis) -> set[str]:
    """The ids of the server's connections, but for the asking one."""
    mine = str(await raw.client_id())
    return {client["id"] for client in await raw.client_list(_type="normal")} - {mine}
