"""Any batches at all: the ledger in memory and the one in Redis answer alike, exchange after exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from uuid import uuid4

import pytest
from farandole.delivery import Coordinates
from farandole.ledger import Answers, Claim, Entry, Ledger, MemoryLedger, RedisLedger, Settle, State, event_key
from farandole.testing.backend import RedisServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PLACES = [
    Coordinates(topic="orders", partition=0, offset=0),
    Coordinates(topic="orders", partition=0, offset=2**63),
    Coordinates(topic="payments.retry.1", partition=1, offset=7, topic_id="Xk3"),
]
Batch = tuple[list[Settle], list[Claim]]
Seen = list[tuple[Answers, dict[bytes, Entry | None]]]

_keys = st.sampled_from([b"a", b"b", b"c"])
_attempts = st.sampled_from([0, 1, 2, 255, 256, 2**31])
_places = st.sampled_from(PLACES)
_digests = st.sampled_from([0, 1, 2**32 - 1])
_claims = st.builds(Claim, key=_keys, attempt=_attempts, coordinates=_places, digest=_digests)
_settles = st.builds(
    Settle,
    key=_keys,
    attempt=_attempts,
    coordinates=_places,
    state=st.sampled_from([State.DONE, State.RETRY, State.DEAD]),
    digest=_digests,
)
_batches = st.lists(st.tuples(st.lists(_settles, max_size=4), st.lists(_claims, max_size=4)), max_size=8)


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """A ledger on Redis that serves many examples, each with keys of its own."""

    runner: asyncio.Runner
    ledger: RedisLedger
    examples: Iterator[int]


@pytest.fixture
def driver(redis: RedisServer) -> Iterator[Driver]:
    with asyncio.Runner() as runner:
        ledger = RedisLedger(redis.url, cluster=uuid4().hex, service="payments")
        yield Driver(runner=runner, ledger=ledger, examples=count())
        runner.run(ledger.close())


@given(batches=_batches)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_memory_and_redis_answer_any_batches_alike(driver: Driver, batches: list[Batch]):
    example = str(next(driver.examples))
    in_redis = driver.runner.run(_drive(driver.ledger, batches, example))
    in_memory = driver.runner.run(_drive(MemoryLedger(), batches, example))
    assert in_redis == in_memory


async def _drive(ledger: Ledger, batches: list[Batch], example: str) -> Seen:
    epoch, seen = await ledger.join(), Seen()
    names = {short: event_key(example, short.decode()) for short in (b"a", b"b", b"c")}
    for settles, claims in batches:
        answers = await ledger.exchange(
            epoch,
            [replace(settle, key=names[settle.key]) for settle in settles],
            [replace(claim, key=names[claim.key]) for claim in claims],
        )
        seen.append((answers, dict(await ledger.lookup(names.values()))))
    return seen
