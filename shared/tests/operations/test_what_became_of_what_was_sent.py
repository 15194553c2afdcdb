"""What became of an event that was sent again is read from the inbox and the ledger, and the inbox outranks.

The ledger is a real one in Redis, the inbox a real file of SQLite, both as a service leaves them.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from farandole.delivery import Coordinates
from farandole.ledger import Claim, Entry, RedisLedger, Settle, State, event_key
from farandole.operations import Given, Outcome, Outcomes, counted
from farandole.operations.outcomes import outcome
from farandole.store import Store
from farandole.store.inbox_view import InboxView, Remembered
from farandole.testing.clock import ManualClock
from sqlalchemy import MetaData

HERE = Coordinates(topic="t", partition=0, offset=3)


def given(name: str, attempt: int = 0, replay_id: str = "") -> Given:
    return Given(source="shop", event_id=name, attempt=attempt, replay_id=replay_id)


@pytest.fixture
async def ledger(backend):
    found = RedisLedger(backend.redis_url, cluster="c", service=f"svc{uuid.uuid4().hex[:8]}")
    yield found
    await found.close()


async def settle(ledger: RedisLedger, name: str, attempt: int, state: State | None, replay_id: str = "") -> None:
    key, epoch = event_key("shop", name, replay_id), await ledger.join()
    await ledger.exchange(epoch, [], [Claim(key=key, attempt=attempt, coordinates=HERE)])
    if state is not None:
        await ledger.exchange(epoch, [Settle(key=key, attempt=attempt, coordinates=HERE, state=state)], [])


async def test_the_ledger_tells_what_became_of_each_attempt(ledger):
    await settle(ledger, "done", 2, State.DONE)
    await settle(ledger, "dead", 2, State.DEAD)
    await settle(ledger, "dead before", 1, State.DEAD)
    await settle(ledger, "failed", 2, State.RETRY)
    await settle(ledger, "runs", 2, None)
    await settle(ledger, "runs again", 3, None)
    asked = [given(one, 2) for one in ("done", "dead", "dead before", "failed", "runs", "runs again", "unknown")]
    assert [one.value for one in await Outcomes(ledger, None).of(asked)] == [
        "done",
        "dead",
        "waiting",
        "retrying",
        "waiting",
        "retrying",
        "waiting",
    ]


async def test_a_replay_is_asked_for_under_its_own_key(ledger):
    await settle(ledger, "e", 0, State.DONE)
    assert await Outcomes(ledger, None).of([given("e", replay_id="r-1")]) == [Outcome.WAITING]
    await settle(ledger, "e", 0, State.DONE, "r-1")
    assert await Outcomes(ledger, None).of([given("e", replay_id="r-1")]) == [Outcome.DONE]


async def test_the_inbox_outranks_the_ledger(ledger, tmp_path):
    url = f"sqlite:///{tmp_path / 'inbox.db'}"
    store = Store(url, metadata=(MetaData(),), service="svc")
    await store.open()
    assert await store.tombstone("shop", "given up", 2) is None
    assert await store.skip("shop", "handled\x1fr-1", 0) is None
    await store.close()
    await settle(ledger, "handled", 0, State.DEAD, "r-1")
    inbox = InboxView(url, service="svc")
    asked = [given("handled", replay_id="r-1"), given("handled"), given("given up", 2), given("given up", 3)]
    found = await Outcomes(ledger, inbox).of(asked)
    inbox.close()
    assert found == [Outcome.DONE, Outcome.WAITING, Outcome.DEAD, Outcome.WAITING]


def entry(state: State, attempt: int) -> Entry:
    return Entry(attempt=attempt, coordinates=HERE, state=state)


@pytest.mark.parametrize(
    ("row", "known", "expected"),
    [
        (Remembered(attempt=0, is_handled=True), entry(State.RETRY, 5), Outcome.DONE),
        (Remembered(attempt=2, is_handled=False), entry(State.CLAIMED, 2), Outcome.WAITING),
        (Remembered(attempt=1, is_handled=False), None, Outcome.WAITING),
        (None, entry(State.DEAD, 3), Outcome.DEAD),
        (None, entry(State.DONE, 0), Outcome.DONE),
    ],
)
def test_what_both_say_makes_one_outcome(row, known, expected):
    assert outcome(given("e", 2), row, known) is expected


async def test_it_is_waited_for_until_nothing_more_happens_or_the_time_is_up(ledger):
    clock, heard = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), []
    outcomes = Outcomes(ledger, None, clock=clock)
    asked = [given("a"), given("b")]

    def told(counts):
        heard.append({one.value: count for one, count in counts.items() if count})

    async def looked(times: int) -> None:
        async with asyncio.timeout(10):
            while len(heard) < times or clock.next_wake is None:  # noqa: ASYNC110 - the clock has no event for it
                await asyncio.sleep(0.01)

    waiting = asyncio.ensure_future(outcomes.wait(asked, within=timedelta(seconds=1), told=told))
    await looked(1)
    await settle(ledger, "a", 0, State.DONE)
    clock.move_to(clock.next_wake)
    await looked(2)
    assert not waiting.done()
    clock.move_to(clock.next_wake)
    assert await asyncio.wait_for(waiting, 10) == {asked[0]: Outcome.DONE, asked[1]: Outcome.WAITING}
    assert heard == [{"waiting": 2}, {"done": 1, "waiting": 1}, {"done": 1, "waiting": 1}]
    await settle(ledger, "b", 0, State.DEAD)
    found = await outcomes.wait(asked, within=timedelta(hours=1))
    assert counted(found.values()) == {
        Outcome.DONE: 1,
        Outcome.DEAD: 1,
        Outcome.RETRYING: 0,
        Outcome.WAITING: 0,
    }
