"""What the ledger costs on a real Redis: reported for people, held only to what would be a mistake of kind."""

from __future__ import annotations

import time
from collections.abc import Callable

from farandole.delivery import Coordinates
from farandole.ledger import Claim, RedisLedger, Settle, State, event_key
from farandole.testing.backend import RedisServer
from redis.asyncio import Redis

IDS, BATCH = 20_000, 500


async def test_an_id_costs_one_script_call_a_batch_and_tens_of_bytes(
    redis_ledger: RedisLedger, redis: RedisServer, record_property: Callable[[str, object], None]
):
    epoch = await redis_ledger.join()
    await redis_ledger.exchange(epoch, [], [])
    async with Redis.from_url(redis.url) as raw:
        await raw.config_resetstat()
        before = (await raw.info("memory"))["used_memory"]
        cpu = time.process_time()
        previous: list[Claim] = []
        for first in range(0, IDS + BATCH, BATCH):
            claims = _claims(first) if first < IDS else []
            await redis_ledger.exchange(epoch, list(map(_done, previous)), claims)
            previous = claims
        cpu = time.process_time() - cpu
        script = (await raw.info("commandstats"))["cmdstat_evalsha"]
        stored = (await raw.info("memory"))["used_memory"] - before
    figures = {
        "client_us": round(cpu / IDS * 1e6, 1),
        "redis_us": round(script["usec"] / IDS, 1),
        "bytes": round(stored / IDS),
    }
    record_property("ledger_cost_per_id", figures)
    print(f"ledger, claim and settle, per id: {figures}")
    assert script["calls"] == IDS // BATCH + 1
    assert figures["bytes"] < 250


def _claims(first: int) -> list[Claim]:
    return [
        Claim(
            key=event_key("orders", str(number)),
            attempt=0,
            coordinates=Coordinates(topic="orders", partition=number % 6, offset=number),
            digest=number,
        )
        for number in range(first, first + BATCH)
    ]


def _done(claim: Claim) -> Settle:
    return Settle(key=claim.key, attempt=0, coordinates=claim.coordinates, state=State.DONE, digest=claim.digest)
