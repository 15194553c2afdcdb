"""One suite for every ledger, so that the one in memory cannot drift from the one in Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest
import pytest_asyncio
from farandole.delivery import Coordinates
from farandole.errors import EpochChangedError
from farandole.ledger import Claim, Entry, Ledger, MemoryLedger, RedisLedger, Settle, State, Verdict, event_key
from farandole.testing.backend import RedisServer

KEY = event_key("orders", "order-1-placed")
HERE = Coordinates(topic="orders", partition=0, offset=41, topic_id="Xk3")
COPY = Coordinates(topic="orders", partition=0, offset=97, topic_id="Xk3")
RETRY_RECORD = Coordinates(topic="payments.retry.1", partition=2, offset=2**40)


@pytest_asyncio.fixture(params=["redis", "memory"])
async def ledger(request: pytest.FixtureRequest, redis: RedisServer) -> AsyncIterator[Ledger]:
    made: Ledger = (
        MemoryLedger() if request.param == "memory" else RedisLedger(redis.url, cluster=uuid4().hex, service="payments")
    )
    yield made
    await made.close()


def claim(coordinates: Coordinates = HERE, *, attempt: int = 0, digest: int = 7, key: bytes = KEY) -> Claim:
    return Claim(key=key, attempt=attempt, coordinates=coordinates, digest=digest)


def settle(state: State, coordinates: Coordinates = HERE, *, attempt: int = 0, key: bytes = KEY) -> Settle:
    return Settle(key=key, attempt=attempt, coordinates=coordinates, state=state, digest=7)


async def test_settles_apply_before_claims_of_the_same_exchange(ledger: Ledger):
    epoch = await ledger.join()
    await ledger.exchange(epoch, [], [claim()])
    answers = await ledger.exchange(epoch, [settle(State.RETRY)], [claim(RETRY_RECORD, attempt=1)])
    assert answers.settled == (True,)
    assert answers.claimed == (Verdict.RUN,)


async def test_two_copies_in_one_batch_are_told_apart(ledger: Ledger):
    epoch = await ledger.join()
    answers = await ledger.exchange(epoch, [], [claim(HERE), claim(COPY), claim(HERE)])
    assert answers.claimed == (Verdict.RUN, Verdict.DROP, Verdict.RUN)


async def test_an_empty_exchange_is_answered_and_shows_that_the_epoch_stands(ledger: Ledger):
    answers = await ledger.exchange(await ledger.join(), [], [])
    assert (answers.settled, answers.claimed, answers.conflicting) == ((), (), ())


async def test_a_settle_whose_reply_was_lost_is_accepted_again(ledger: Ledger):
    epoch = await ledger.join()
    for state in (State.RETRY, State.DEAD, State.DONE):
        key = event_key("orders", state.name)
        await ledger.exchange(epoch, [], [claim(key=key)])
        for _ in range(3):
            assert (await ledger.exchange(epoch, [settle(state, key=key)], [])).settled == (True,)


async def test_two_different_decisions_of_one_delivery_are_not_both_accepted(ledger: Ledger):
    epoch = await ledger.join()
    await ledger.exchange(epoch, [], [claim()])
    answers = await ledger.exchange(epoch, [settle(State.RETRY), settle(State.DONE), settle(State.DEAD)], [])
    assert answers.settled == (True, False, False)


async def test_a_refused_settle_is_claimed_again_and_dropped_once_its_peer_is_done(ledger: Ledger):
    epoch = await ledger.join()
    await ledger.exchange(epoch, [], [claim()])
    await ledger.exchange(epoch, [settle(State.RETRY)], [claim(RETRY_RECORD, attempt=1)])
    await ledger.exchange(epoch, [settle(State.DONE, RETRY_RECORD, attempt=1)], [])
    answers = await ledger.exchange(epoch, [settle(State.DONE)], [claim()])
    assert answers.settled == (False,)
    assert answers.claimed == (Verdict.DROP,)


async def test_other_content_under_a_known_id_is_reported_in_every_state(ledger: Ledger):
    epoch = await ledger.join()
    other = claim(COPY, digest=8)
    assert (await ledger.exchange(epoch, [], [claim(), other])).conflicting == (False, True)
    assert (await ledger.exchange(epoch, [settle(State.RETRY)], [other])).conflicting == (True,)
    await ledger.exchange(epoch, [], [claim(RETRY_RECORD, attempt=1)])
    await ledger.exchange(epoch, [settle(State.DONE, RETRY_RECORD, attempt=1)], [])
    assert (await ledger.exchange(epoch, [], [other, claim(COPY)])).conflicting == (True, False)


async def test_an_edited_redrive_is_no_conflict(ledger: Ledger):
    epoch = await ledger.join()
    await ledger.exchange(epoch, [], [claim()])
    answers = await ledger.exchange(epoch, [settle(State.DEAD)], [claim(RETRY_RECORD, attempt=1, digest=8)])
    assert answers.claimed == (Verdict.RUN,)
    assert answers.conflicting == (False,)


async def test_a_recreated_topic_is_another_place(ledger: Ledger):
    epoch = await ledger.join()
    reborn = Coordinates(topic=HERE.topic, partition=HERE.partition, offset=HERE.offset, topic_id="Zz9")
    answers = await ledger.exchange(epoch, [], [claim(HERE), claim(reborn)])
    assert answers.claimed == (Verdict.RUN, Verdict.DROP)


async def test_an_audit_sees_open_entries_with_the_names_of_their_topics(ledger: Ledger):
    epoch = await ledger.join()
    done, retried = event_key("orders", "done"), event_key("orders", "retried")
    await ledger.exchange(epoch, [], [claim(), claim(key=done), claim(key=retried)])
    await ledger.exchange(epoch, [settle(State.DONE, key=done), settle(State.RETRY, key=retried)], [])
    assert await ledger.entries() == {
        KEY: Entry(attempt=0, coordinates=HERE, state=State.CLAIMED, digest=7),
        retried: Entry(attempt=1, coordinates=HERE, state=State.RETRY, digest=7),
    }


async def test_a_lookup_tells_open_done_and_unknown_and_changes_nothing(ledger: Ledger):
    epoch = await ledger.join()
    done, unknown = event_key("orders", "done"), event_key("orders", "unknown")
    await ledger.exchange(epoch, [], [claim(), claim(key=done)])
    await ledger.exchange(epoch, [settle(State.DONE, key=done)], [])
    for _ in range(2):
        found = await ledger.lookup([KEY, done, unknown])
        assert found[KEY] == Entry(attempt=0, coordinates=HERE, state=State.CLAIMED, digest=7)
        assert found[done] == Entry(attempt=0, coordinates=HERE, state=State.DONE, digest=7)
        assert found[unknown] is None


async def test_an_unknown_epoch_is_refused_and_changes_nothing(ledger: Ledger):
    await ledger.join()
    with pytest.raises(EpochChangedError):
        await ledger.exchange("another", [settle(State.DONE)], [claim()])
    assert await ledger.lookup([KEY]) == {KEY: None}


async def test_joining_again_keeps_the_epoch_while_nothing_was_lost(ledger: Ledger):
    assert await ledger.join() == await ledger.join()


@pytest.mark.parametrize("size", [500, 3000])
async def test_a_large_batch_is_answered_in_its_order(ledger: Ledger, size: int):
    epoch = await ledger.join()
    key_of: Callable[[int], bytes] = lambda number: event_key("orders", f"{number}")  # noqa: E731 - shorter than a def
    places = [Coordinates(topic="orders", partition=number % 7, offset=number) for number in range(size)]
    claims = [claim(place, key=key_of(number)) for number, place in enumerate(places)]
    assert set((await ledger.exchange(epoch, [], claims)).claimed) == {Verdict.RUN}
    settles = [
        settle(State.DONE if number % 3 else State.RETRY, place if number % 2 else COPY, key=key_of(number))
        for number, place in enumerate(places)
    ]
    answers = await ledger.exchange(epoch, settles, claims)
    expected = {(0, 0): Verdict.RUN, (0, 1): Verdict.RUN, (1, 0): Verdict.REPUBLISH_RETRY, (1, 1): Verdict.DROP}
    assert answers.settled == tuple(bool(number % 2) for number in range(size))
    assert answers.claimed == tuple(expected[number % 2, int(number % 3 > 0)] for number in range(size))
