"""Only done expires, and no earlier than a window after it was settled; open entries outlive any rotation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest_asyncio
from farandole.delivery import Coordinates
from farandole.ledger import Claim, RedisLedger, Settle, State, Verdict, event_key
from farandole.testing.backend import RedisServer
from redis.asyncio import Redis

WINDOW = timedelta(hours=1)
HERE = Coordinates(topic="orders", partition=0, offset=41)
COPY = Coordinates(topic="orders", partition=1, offset=12)
RETRY_RECORD = Coordinates(topic="payments.retry.1", partition=0, offset=3)
STATES = (State.RETRY, State.DEAD, State.DONE)
KEYS = {state: event_key("orders", state.name) for state in State}


class Rotating:
    """A ledger whose generation a test can make an hour older."""

    def __init__(self, url: str, cluster: str) -> None:
        self.ledger = RedisLedger(url, cluster=cluster, service="payments", window=WINDOW)
        self.raw = Redis.from_url(url)
        self.prefix = f"farandole:{{{cluster}:payments}}"

    async def generation(self) -> int:
        return int(await self.raw.hget(f"{self.prefix}:epoch", "generation"))  # type: ignore[misc, arg-type]

    async def rotate(self, epoch: str, *, times: int) -> None:
        """Let the window pass so often: rotation is due by the moment that Redis remembers, so move that moment."""
        for _ in range(times):
            before = await self.generation()
            started = int(await self.raw.hget(f"{self.prefix}:epoch", "started"))  # type: ignore[misc, arg-type]
            await self.raw.hset(f"{self.prefix}:epoch", "started", str(started - WINDOW // timedelta(milliseconds=1)))  # type: ignore[misc]
            await self.ledger.exchange(epoch, [], [])
            assert await self.generation() == before + 1

    async def close(self) -> None:
        await self.ledger.close()
        await self.raw.aclose()


@pytest_asyncio.fixture
async def rotating(redis: RedisServer) -> AsyncIterator[Rotating]:
    made = Rotating(redis.url, uuid4().hex)
    yield made
    await made.close()


async def _one_of_each(ledger: RedisLedger, epoch: str) -> None:
    await ledger.exchange(epoch, [], [Claim(key=key, attempt=0, coordinates=HERE) for key in KEYS.values()])
    settles = [Settle(key=KEYS[state], attempt=0, coordinates=HERE, state=state) for state in STATES]
    await ledger.exchange(epoch, settles, [])


async def test_two_rotations_forget_what_is_done_and_nothing_else(rotating: Rotating):
    """The partition of the claimed one is paused meanwhile, and the retry of the other is not due yet."""
    ledger = rotating.ledger
    epoch = await ledger.join()
    await _one_of_each(ledger, epoch)
    await rotating.rotate(epoch, times=2)
    found = await ledger.lookup(KEYS.values())
    states = {state: entry.state if entry else None for state, entry in zip(KEYS, found.values(), strict=True)}
    assert states == {
        State.CLAIMED: State.CLAIMED,
        State.RETRY: State.RETRY,
        State.DEAD: State.DEAD,
        State.DONE: None,
    }
    answers = await ledger.exchange(
        epoch,
        [],
        [
            Claim(key=KEYS[State.CLAIMED], attempt=0, coordinates=COPY),
            Claim(key=KEYS[State.RETRY], attempt=0, coordinates=HERE),
            Claim(key=KEYS[State.RETRY], attempt=1, coordinates=RETRY_RECORD),
            Claim(key=KEYS[State.DEAD], attempt=0, coordinates=HERE),
        ],
    )
    assert answers.claimed == (Verdict.DROP, Verdict.REPUBLISH_RETRY, Verdict.RUN, Verdict.REPUBLISH_DEAD)


async def test_what_is_done_is_still_known_after_one_rotation(rotating: Rotating):
    epoch = await rotating.ledger.join()
    await _one_of_each(rotating.ledger, epoch)
    await rotating.rotate(epoch, times=1)
    answers = await rotating.ledger.exchange(epoch, [], [Claim(key=KEYS[State.DONE], attempt=5, coordinates=COPY)])
    assert answers.claimed == (Verdict.DROP,)


async def test_nothing_rotates_before_its_window_has_passed(rotating: Rotating):
    epoch = await rotating.ledger.join()
    before = await rotating.generation()
    await _one_of_each(rotating.ledger, epoch)
    assert await rotating.generation() == before


async def test_a_rotation_frees_what_two_windows_have_passed_over(rotating: Rotating):
    epoch = await rotating.ledger.join()
    await _one_of_each(rotating.ledger, epoch)
    assert len(await rotating.raw.keys(f"{rotating.prefix}:done:*")) == 1
    await rotating.rotate(epoch, times=2)
    assert await rotating.raw.keys(f"{rotating.prefix}:done:*") == []


async def test_a_longer_window_forgets_nothing_that_was_done_under_the_shorter(rotating: Rotating, redis: RedisServer):
    epoch = await rotating.ledger.join()
    await _one_of_each(rotating.ledger, epoch)
    await rotating.rotate(epoch, times=1)
    cluster = rotating.prefix.split("{")[1].split(":")[0]
    longer = RedisLedger(redis.url, cluster=cluster, service="payments", window=timedelta(days=30))
    answers = await longer.exchange(await longer.join(), [], [Claim(key=KEYS[State.DONE], attempt=0, coordinates=COPY)])
    await longer.close()
    assert answers.claimed == (Verdict.DROP,)


async def test_done_ids_of_a_service_that_is_gone_will_leave_redis_and_open_ones_stay(rotating: Rotating):
    epoch = await rotating.ledger.join()
    await _one_of_each(rotating.ledger, epoch)
    done = f"{rotating.prefix}:done:{await rotating.generation()}"
    assert WINDOW < timedelta(milliseconds=await rotating.raw.pttl(done)) <= 3 * WINDOW
    assert await rotating.raw.pttl(f"{rotating.prefix}:open") == -1, "open entries never expire"
    assert await rotating.raw.pttl(f"{rotating.prefix}:epoch") == -1
