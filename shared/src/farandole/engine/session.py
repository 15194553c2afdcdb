"""LedgerSession: one worker's conversation with the ledger: one script at a time, everything that waits in it.

Settles ride on the next exchange together with claims; while one exchange is on its way, what comes in the meantime
is gathered for the next. So a busy worker makes few large exchanges and an idle one small quick ones, without a timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from farandole.clock import Clock
from farandole.errors import EpochChangedError, LedgerUnavailableError
from farandole.ledger import Answers, Claim, Ledger, Settle, Verdict

RETRY_EVERY: Final = timedelta(milliseconds=100)
MOST: Final = 500


class LedgerSession:
    """Claims and settles of one worker under one epoch. For one event loop.

    While the ledger is away, settles wait. Claims wait as well, unless the service has an inbox: then they are
    answered with RUN, because the inbox knows what was handled, and their settles wait for the ledger's return.
    """

    def __init__(self, ledger: Ledger, clock: Clock, *, has_inbox: bool) -> None:
        self._ledger = ledger
        self._has_inbox = has_inbox
        self._clock = clock
        self._epoch: str | None = None
        self._settles: list[tuple[Settle, asyncio.Future[bool]]] = []
        self._claims: list[tuple[Claim, asyncio.Future[tuple[Verdict, bool]]]] = []
        self._wake = asyncio.Event()
        self._lost = asyncio.Event()
        self._on_lost: list[Callable[[], None]] = []
        self.unavailable: str | None = None
        """Why the ledger does not answer at present, or None."""

    @property
    def lost(self) -> bool:
        """Whether the epoch has changed: everything in flight is to be abandoned, then `join` called."""
        return self._lost.is_set()

    async def join(self) -> None:
        """Forget what waits and take the present epoch; waits while the ledger is away."""
        for _, settled in self._settles:
            settled.cancel()
        for _, claimed in self._claims:
            claimed.cancel()
        self._settles, self._claims = [], []
        while True:
            try:
                self._epoch = await self._ledger.join()
            except LedgerUnavailableError as error:
                self.unavailable = error.what
                await self._clock.sleep(RETRY_EVERY)
            else:
                self.unavailable = None
                self._lost.clear()
                return

    async def claim(self, claims: Sequence[Claim]) -> list[tuple[Verdict, bool]]:
        """Claim deliveries, in order; return each verdict and whether its content differs from the one known."""
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in claims]
        self._claims.extend(zip(claims, futures, strict=True))
        self._wake.set()
        return list(await asyncio.gather(*futures))

    async def settle(self, settle: Settle) -> bool:
        """Settle a delivery; return whether the ledger accepted it."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._settles.append((settle, future))
        self._wake.set()
        return await future

    async def run(self) -> None:
        """Exchange whatever waits with the ledger, for ever. When the epoch is lost, wait for `join`."""
        while True:
            await self._wake.wait()
            if not (self._settles or self._claims) or self.lost:
                self._wake.clear()
                continue
            await self._exchange_once()

    async def _exchange_once(self) -> None:
        settles, self._settles = self._settles[:MOST], self._settles[MOST:]
        claims, self._claims = self._claims[:MOST], self._claims[MOST:]
        epoch = self._epoch
        assert epoch is not None
        try:
            answers = await self._ledger.exchange(epoch, [s for s, _ in settles], [c for c, _ in claims])
        except LedgerUnavailableError as error:
            self.unavailable = error.what
            self._settles = settles + self._settles
            if self._has_inbox:
                _resolve([], claims, _run_all(len(claims)))
            else:
                self._claims = claims + self._claims
            await self._clock.sleep(RETRY_EVERY)
        except EpochChangedError:
            self._settles, self._claims = settles + self._settles, claims + self._claims
            self._lost.set()
            for tell in self._on_lost:
                tell()
        else:
            self.unavailable = None
            _resolve(settles, claims, answers)

    def on_lost(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` whenever the epoch is lost. It must not raise."""
        self._on_lost.append(tell)


def _resolve(
    settles: list[tuple[Settle, asyncio.Future[bool]]],
    claims: list[tuple[Claim, asyncio.Future[tuple[Verdict, bool]]]],
    answers: Answers,
) -> None:
    for (_, settled), accepted in zip(settles, answers.settled, strict=True):
        if not settled.done():
            settled.set_result(accepted)
    for (_, claimed), verdict, conflicting in zip(claims, answers.claimed, answers.conflicting, strict=True):
        if not claimed.done():
            claimed.set_result((verdict, conflicting))


def _run_all(count: int) -> Answers:
    return Answers(settled=(), claimed=(Verdict.RUN,) * count, conflicting=(False,) * count)
