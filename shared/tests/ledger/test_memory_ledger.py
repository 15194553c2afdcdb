"""What only the ledger in memory can do: be taken away, be wiped, and live by an injected clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from farandole.delivery import Coordinates
from farandole.errors import EpochChangedError, LedgerUnavailableError
from farandole.ledger import Claim, MemoryLedger, Settle, State, Verdict, event_key

HERE = Coordinates(topic="orders", partition=0, offset=41)
COPY = Coordinates(topic="orders", partition=0, offset=97)
KEYS = {state: event_key("orders", state.name) for state in State}
WINDOW = timedelta(days=1)


class HandClock:
    """A clock that moves by hand."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, duration: timedelta) -> None:
        self.moment += duration


async def _one_of_each(ledger: MemoryLedger) -> str:
    epoch = await ledger.join()
    await ledger.exchange(epoch, [], [Claim(key=key, attempt=0, coordinates=HERE) for key in KEYS.values()])
    settles = [
        Settle(key=key, attempt=0, coordinates=HERE, state=state)
        for state, key in KEYS.items()
        if state is not State.CLAIMED
    ]
    await ledger.exchange(epoch, settles, [])
    return epoch


async def test_only_done_is_forgotten_and_only_after_the_window():
    clock = HandClock()
    ledger = MemoryLedger(window=WINDOW, clock=clock)
    epoch = await _one_of_each(ledger)
    copy = Claim(key=KEYS[State.DONE], attempt=0, coordinates=COPY)
    await clock.sleep(WINDOW - timedelta(seconds=1))
    assert (await ledger.exchange(epoch, [], [copy])).claimed == (Verdict.DROP,)
    await clock.sleep(timedelta(seconds=1))
    assert (await ledger.exchange(epoch, [], [copy])).claimed == (Verdict.RUN,)
    await clock.sleep(100 * WINDOW)
    open_entries = await ledger.entries()
    assert {open_entries[KEYS[state]].state for state in (State.CLAIMED, State.RETRY, State.DEAD)} == {
        State.CLAIMED,
        State.RETRY,
        State.DEAD,
    }


async def test_a_ledger_that_is_away_answers_nothing_and_forgets_nothing():
    ledger = MemoryLedger()
    epoch = await _one_of_each(ledger)
    ledger.unavailable = True
    for ask in (ledger.join(), ledger.exchange(epoch, [], []), ledger.entries(), ledger.lookup([])):
        with pytest.raises(LedgerUnavailableError):
            await ask
    ledger.unavailable = False
    assert await ledger.join() == epoch
    assert len(await ledger.entries()) == 3


async def test_a_wipe_ends_the_epoch_and_every_entry():
    ledger = MemoryLedger()
    epoch = await _one_of_each(ledger)
    ledger.wipe()
    with pytest.raises(EpochChangedError):
        await ledger.exchange(epoch, [], [])
    assert await ledger.join() != epoch
    assert set((await ledger.lookup(KEYS.values())).values()) == {None}


async def test_a_failover_ends_the_epoch_and_keeps_the_entries():
    ledger = MemoryLedger()
    epoch = await _one_of_each(ledger)
    ledger.fail_over()
    with pytest.raises(EpochChangedError):
        await ledger.exchange(epoch, [], [])
    assert await ledger.join() != epoch
    assert {entry and entry.state for entry in (await ledger.lookup(KEYS.values())).values()} == set(State)
