"""Outcomes: what became of events that an operation gave to a service again, by its inbox and its ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

from farandole.clock import Clock, SystemClock
from farandole.ledger import Entry, Ledger, State, event_key
from farandole.store import inbox_id
from farandole.store.inbox_view import InboxView, Remembered

AT_ONCE: Final = 1_000
LOOK_EVERY: Final = timedelta(milliseconds=500)


class Outcome(Enum):
    """What became of an event that was sent. The values are the words of the output."""

    DONE = "done"
    """Handled, or settled without a run where a replay asked for none."""
    DEAD = "dead"
    """Given up, at the attempt at which it was sent or a later one."""
    RETRYING = "retrying"
    """It failed since it was sent; its next attempt waits."""
    WAITING = "waiting"
    """Not begun, or just under way."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in {Outcome.DONE, Outcome.DEAD}


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """An event as it was sent: under which name the service knows it, and at which attempt."""

    source: str
    event_id: str
    attempt: int = 0
    replay_id: str = ""

    @property
    def key(self) -> bytes:
        """The ledger's key."""
        return event_key(self.source, self.event_id, self.replay_id)


class Outcomes:
    """Asks one service's memory. Reads only. For one task of one event loop; closes neither ledger nor inbox.

    Every method raises LedgerUnavailableError and StoreUnavailableError.
    """

    def __init__(self, ledger: Ledger, inbox: InboxView | None, *, clock: Clock | None = None) -> None:
        """``inbox`` is None where the service has no database."""
        self._ledger = ledger
        self._inbox = inbox
        self._clock = clock or SystemClock()

    async def of(self, given: Sequence[Given]) -> list[Outcome]:
        """Return what became of each, in their order."""
        found: list[Outcome] = []
        for first in range(0, len(given), AT_ONCE):
            chunk = given[first : first + AT_ONCE]
            rows = await self._rows(chunk)
            entries = await self._ledger.lookup([one.key for one in chunk])
            found += [outcome(one, rows.get(_row(one)), entries[one.key]) for one in chunk]
        return found

    async def wait(
        self,
        given: Iterable[Given],
        *,
        within: timedelta,
        told: Callable[[Mapping[Outcome, int]], None] = lambda _: None,
    ) -> Mapping[Given, Outcome]:
        """Wait until each is done or dead, for so long at most; return what became of each by then.

        ``told`` hears how many there are of each outcome, after every look.
        """
        known, open_, end = dict[Given, Outcome](), list(given), self._clock.now() + within
        while True:
            known |= dict(zip(open_, await self.of(open_), strict=True))
            told(counted(known.values()))
            open_ = [one for one in open_ if not known[one].is_final]
            if not open_ or self._clock.now() >= end:
                return known
            await self._clock.sleep(min(LOOK_EVERY, end - self._clock.now()))

    async def _rows(self, given: Sequence[Given]) -> Mapping[tuple[str, str], Remembered]:
        if self._inbox is None:
            return {}
        return await asyncio.to_thread(self._inbox.known, [_row(one) for one in given])


def outcome(given: Given, row: Remembered | None, entry: Entry | None) -> Outcome:
    """Return what became of an event, by what is remembered of it. The inbox outranks the ledger."""
    if row is not None and row.is_handled:
        return Outcome.DONE
    if entry is None:
        return Outcome.DEAD if row is not None and row.attempt >= given.attempt else Outcome.WAITING
    if entry.state is State.DONE:
        return Outcome.DONE
    if entry.state is State.DEAD and entry.attempt >= given.attempt:
        return Outcome.DEAD
    # An announced attempt, or a claimed one, that is higher than the one that was sent: that one has failed.
    return Outcome.RETRYING if entry.attempt > given.attempt else Outcome.WAITING


def counted(outcomes: Iterable[Outcome]) -> Mapping[Outcome, int]:
    """Return how many there are of each; every outcome is named."""
    found = dict.fromkeys(Outcome, 0)
    for one in outcomes:
        found[one] += 1
    return found


def _row(given: Given) -> tuple[str, str]:
    return given.source, inbox_id(given.event_id, given.replay_id)
