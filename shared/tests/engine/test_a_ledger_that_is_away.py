"""While the ledger is away the inbox is enough: what succeeds goes on without a bound, what fails waits in memory.

The ledger is told afterwards what was handled without it, under whatever epoch it has then: a row of the inbox is true
under each. A service without an inbox has nobody else to ask: it stands still, says so, and goes on where it stood.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from farandole import Backoff, Service, UnitOfWork
from farandole.delivery import Coordinates
from farandole.engine import owed as owed_module
from farandole.engine import session as session_module
from farandole.engine.session import LedgerSession
from farandole.errors import LedgerUnavailableError
from farandole.ledger import Answers, Claim, MemoryLedger, Settle, State, Verdict, event_key
from farandole.settings import Settings
from farandole.testing import Harness, ManualClock
from farandole_events import OrderCancelled
from sqlalchemy import MetaData

FEW = Settings(most_in_flight=5)
MANY = 40
RETRY = Backoff(first=timedelta(seconds=1), factor=1, attempts=3)
KEY = event_key("test", "e-1")
HERE = Coordinates(topic="orders", partition=0, offset=0)
COPY = Coordinates(topic="orders", partition=1, offset=0)
CLAIM = Claim(key=KEY, attempt=0, coordinates=HERE)
DONE = Settle(key=KEY, attempt=0, coordinates=HERE, state=State.DONE)
RETRIED = Settle(key=KEY, attempt=0, coordinates=HERE, state=State.RETRY)


def cancelled(order: str) -> OrderCancelled:
    return OrderCancelled(order_id=order, customer_id="c-1", reason="x", cause="customer")


def listening(*, stored: bool, fails: Sequence[str] = ()) -> tuple[Service, Counter[str]]:
    """A service that notes what it hears, and fails once on each order that it is told to."""
    runs: Counter[str] = Counter()
    service = Service("listening", tables=MetaData() if stored else None)

    def note(event: OrderCancelled) -> None:
        runs[event.order_id] += 1
        if event.order_id in fails and runs[event.order_id] == 1:
            raise ValueError("the first time fails")

    async def plain(event: OrderCancelled) -> None:
        note(event)

    async def with_inbox(event: OrderCancelled, work: UnitOfWork) -> None:
        note(event)

    service.on(OrderCancelled, retry=RETRY)(with_inbox if stored else plain)
    return service, runs


async def test_with_an_inbox_more_is_handled_than_may_be_in_flight_and_the_ledger_is_told_later() -> None:
    service, runs = listening(stored=True)
    async with Harness(service, settings=FEW) as harness:
        harness.ledger.unavailable = True
        await harness.deliver(*(cancelled(f"o-{n}") for n in range(MANY)))

        assert len(runs) == MANY
        assert harness.broker.committed["listening", "orders"] == MANY
        assert (await harness.http.get("/status")).json()["ledger"] == (
            "the ledger does not answer: it was made unavailable"
        )

        harness.ledger.unavailable = False
        await harness.advance(timedelta(seconds=2))

        assert (await harness.http.get("/status")).json()["ledger"] == "ok"
        assert await harness.ledger.entries() == {}
        assert len(harness.ledger._done) == MANY
        assert set(runs.values()) == {1}


async def test_with_an_inbox_what_fails_waits_until_its_retry_can_be_recorded() -> None:
    service, runs = listening(stored=True, fails=["bad"])
    async with Harness(service) as harness:
        harness.ledger.unavailable = True
        await harness.deliver(cancelled("good"), cancelled("bad"))
        await harness.advance(timedelta(minutes=1))

        assert runs == {"good": 1, "bad": 1}
        assert harness.retries == []
        assert harness.broker.committed["listening", "orders"] == 1

        harness.ledger.unavailable = False
        await harness.advance(timedelta(minutes=1))

        assert runs == {"good": 1, "bad": 2}
        assert len(harness.retries) == 1
        assert harness.broker.committed["listening", "orders"] == 2
        assert await harness.ledger.entries() == {}


async def test_without_an_inbox_nothing_is_handled_until_the_ledger_is_back() -> None:
    service, runs = listening(stored=False)
    async with Harness(service, settings=FEW) as harness:
        harness.ledger.unavailable = True
        delivering = asyncio.ensure_future(harness.deliver(*(cancelled(f"o-{n}") for n in range(MANY))))
        session = harness.runtime.session
        async with asyncio.timeout(5):
            while session is None or session.unavailable is None:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0)
        for _ in range(20):
            harness.clock.move_to(harness.clock.now() + timedelta(seconds=1))
            await asyncio.sleep(0.001)
        assert runs == {}
        assert "listening" not in {group for group, _ in harness.broker.committed}

        harness.ledger.unavailable = False
        harness.clock.move_to(harness.clock.now() + timedelta(seconds=2))
        await delivering
        assert len(runs) == MANY
        assert set(runs.values()) == {1}


class Sluggish(MemoryLedger):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()
        self.asked = 0

    async def exchange(self, epoch: str, settles: Sequence[Settle], claims: Sequence[Claim]) -> Answers:
        self.asked += 1
        await self.may_answer.wait()
        return await super().exchange(epoch, settles, claims)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "PATIENCE", timedelta(milliseconds=20))


@pytest.mark.usefixtures("impatient")
async def test_with_an_inbox_a_slow_ledger_is_waited_for_once_and_asked_by_one_exchange_at_a_time() -> None:
    ledger = Sluggish()
    session = LedgerSession(ledger, ManualClock(), has_inbox=True)
    await session.join()
    running = asyncio.create_task(session.run())
    async with asyncio.timeout(5):
        assert await session.claim(CLAIM) == (Verdict.RUN, False)
        assert session.unavailable is not None
        for _ in range(100):
            await session.claim(CLAIM)
        assert await session.settle(DONE)
        with pytest.raises(LedgerUnavailableError):
            await session.settle(RETRIED)
        assert ledger.asked == 1

        ledger.may_answer.set()
        while session.owed or session.unavailable:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
    assert (await ledger.lookup([KEY]))[KEY].state is State.DONE  # type: ignore[union-attr]
    running.cancel()


@pytest.mark.usefixtures("impatient")
async def test_a_settle_that_was_on_its_way_when_patience_ended_is_owed_if_it_never_arrived() -> None:
    ledger = Sluggish()
    session = LedgerSession(ledger, clock := ManualClock(), has_inbox=True)
    await session.join()
    running = asyncio.create_task(session.run())
    async with asyncio.timeout(5):
        assert await session.settle(DONE)
        ledger.unavailable = True
        ledger.may_answer.set()
        while not session.owed:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
        ledger.unavailable = False
        while session.owed:
            clock.move_to(clock.now() + timedelta(seconds=1))
            await asyncio.sleep(0)
    assert (await ledger.lookup([KEY]))[KEY].state is State.DONE  # type: ignore[union-attr]
    running.cancel()


async def owing() -> tuple[LedgerSession, MemoryLedger, ManualClock, asyncio.Task[None]]:
    """A session that claimed an event, and handled it while its ledger was away."""
    ledger, clock = MemoryLedger(), ManualClock()
    session = LedgerSession(ledger, clock, has_inbox=True)
    await session.join()
    running = asyncio.create_task(session.run())
    await session.claim(CLAIM)
    ledger.unavailable = True
    assert await session.settle(DONE)
    assert session.owed == 1
    ledger.unavailable = False
    return session, ledger, clock, running


async def test_what_is_owed_is_told_under_the_next_epoch_too() -> None:
    session, ledger, clock, running = await owing()
    ledger.fail_over()
    async with asyncio.timeout(5):
        while not session.lost:
            clock.move_to(clock.now() + timedelta(seconds=1))
            await asyncio.sleep(0)
        await session.join()
        while session.owed:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
    assert await ledger.entries() == {}
    running.cancel()


async def test_what_is_owed_changes_nothing_where_somebody_else_has_the_event_by_now() -> None:
    session, ledger, clock, running = await owing()
    ledger.wipe()
    peer = await ledger.join()
    await ledger.exchange(peer, [], [Claim(key=KEY, attempt=0, coordinates=COPY)])
    async with asyncio.timeout(5):
        while not session.lost:
            clock.move_to(clock.now() + timedelta(seconds=1))
            await asyncio.sleep(0)
        await session.join()
        while session.owed:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
    assert (await ledger.entries())[KEY].coordinates == COPY
    running.cancel()


@pytest.mark.parametrize("state", [State.RETRY, State.DEAD])
async def test_a_retry_or_a_redrive_that_was_handled_meanwhile_closes_what_was_announced(state: State) -> None:
    ledger, clock = MemoryLedger(), ManualClock()
    session = LedgerSession(ledger, clock, has_inbox=True)
    await session.join()
    epoch = await ledger.join()
    await ledger.exchange(epoch, [], [CLAIM])
    await ledger.exchange(epoch, [Settle(key=KEY, attempt=0, coordinates=HERE, state=state)], [])
    ledger.unavailable = True
    running = asyncio.create_task(session.run())
    second = Settle(key=KEY, attempt=1, coordinates=COPY, state=State.DONE)
    assert await session.claim(Claim(key=KEY, attempt=0, coordinates=HERE))
    assert await session.settle(second)
    ledger.unavailable = False
    async with asyncio.timeout(5):
        while session.owed:
            clock.move_to(clock.now() + timedelta(seconds=1))
            await asyncio.sleep(0)
    assert await ledger.entries() == {}
    assert (await ledger.lookup([KEY]))[KEY] == second.outcome
    running.cancel()


async def test_what_is_owed_is_bounded_and_keeps_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed_module, "MOST_OWED", 2)
    session, _, _, running = await owing()
    for number in range(5):
        key = event_key("test", f"later-{number}")
        assert await session.settle(Settle(key=key, attempt=0, coordinates=HERE, state=State.DONE))
    assert session.owed == 2
    assert session._owed._unclaimed[0] == DONE
    running.cancel()


async def test_a_ledger_that_is_away_is_asked_less_and_less_often_and_by_nobody_at_the_same_moment() -> None:
    class Counting(MemoryLedger):
        asked: list[float]

        async def exchange(self, epoch: str, settles: Sequence[Settle], claims: Sequence[Claim]) -> Answers:
            self.asked.append(clock.now().timestamp())
            return await super().exchange(epoch, settles, claims)

    clock, ledger = ManualClock(), Counting()
    ledger.asked = []
    session = LedgerSession(ledger, clock, has_inbox=False)
    await session.join()
    running = asyncio.create_task(session.run())
    ledger.unavailable = True
    waiting = asyncio.create_task(session.claim(CLAIM))
    for _ in range(6_000):
        clock.move_to(clock.now() + timedelta(milliseconds=10))
        await asyncio.sleep(0)
    gaps = [later - sooner for sooner, later in zip(ledger.asked, ledger.asked[1:], strict=False)]
    assert 60 <= len(ledger.asked) <= 130
    assert len({round(gap, 2) for gap in gaps[5:]}) > 10
    running.cancel()
    waiting.cancel()
