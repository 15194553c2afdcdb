"""LedgerSession: one worker's conversation with the ledger: one script at a time, everything that waits in it.

Settles ride on the next exchange together with claims; while one exchange is on its way, what comes in the meantime
is gathered for the next. So a busy worker makes few large exchanges and an idle one small quick ones, without a timer.

While the ledger is away a service with an inbox does not need it: the inbox knows what was handled. ADR 0011 says why
that is safe, and what is owed to the ledger afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from random import Random
from typing import Final, TypeAlias, TypeVar

import structlog

from farandole.clock import Clock
from farandole.engine.owed import Owed
from farandole.engine.thrown import is_ending
from farandole.errors import EpochChangedError, LedgerUnavailableError
from farandole.ledger import Claim, Entry, Ledger, Settle, State, Verdict

log = structlog.get_logger(__name__)

FIRST_PROBE: Final = timedelta(milliseconds=100)
LONGEST_PROBE: Final = timedelta(seconds=1)
PATIENCE: Final = timedelta(seconds=1)
"""How long a service with an inbox waits for an answer before it goes on without one."""
MOST: Final = 500

Answer: TypeAlias = tuple[Verdict, bool]
Settling: TypeAlias = tuple[Settle, asyncio.Future[bool]]
Claiming: TypeAlias = tuple[Claim, asyncio.Future[Answer]]
T = TypeVar("T")
GO_ON: Final[Answer] = (Verdict.RUN, False)


class LedgerSession:
    """Claims and settles of one worker under one epoch. For one event loop.

    While the ledger does not answer, claims wait and settles raise. With an inbox claims are answered RUN at once, and
    DONE counts as accepted: the ledger is told later. It is asked again all the while, by one exchange at a time.
    """

    def __init__(self, ledger: Ledger, clock: Clock, *, has_inbox: bool, random: Random | None = None) -> None:
        self._ledger = ledger
        self._has_inbox = has_inbox
        self._clock = clock
        self._random = random or Random()
        self._epoch: str | None = None
        self._settles: list[Settling] = []
        self._claims: list[Claiming] = []
        self._owed = Owed()
        self._wake = asyncio.Event()
        self._lost = asyncio.Event()
        self._on_lost: list[Callable[[], None]] = []
        self._probe = FIRST_PROBE
        self.unavailable: str | None = None
        """Why the ledger does not answer at present, or None."""

    @property
    def lost(self) -> bool:
        """Whether the epoch has changed: everything in flight is to be abandoned, then `join` called."""
        return self._lost.is_set()

    @property
    def owed(self) -> int:
        """How many events were handled of which the ledger has not been told yet."""
        return len(self._owed)

    async def join(self) -> None:
        """Forget what waits and take the present epoch; waits while the ledger is away. What is owed stays owed."""
        for _, settled in self._settles:
            settled.cancel()
        for _, claimed in self._claims:
            claimed.cancel()
        self._settles, self._claims = [], []
        while True:
            try:
                self._epoch = await self._ledger.join()
            except LedgerUnavailableError as error:
                self._miss(error, "waiting for the ledger")
                await self._pause()
            else:
                self._welcome()
                self._lost.clear()
                return

    def ask(self, claims: Sequence[Claim]) -> list[asyncio.Future[Answer]]:
        """Claim deliveries, in order; each answer is a verdict and whether the content differs from the one known.

        An answer for each rather than one for all: what is held keeps its own alive, not those of its whole batch.
        """
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Answer]] = [loop.create_future() for _ in claims]
        asked = list(zip(claims, answers, strict=True))
        if self._does_without:
            _resolve(asked, [GO_ON] * len(asked))
        else:
            self._claims += asked
            self._wake.set()
        return answers

    async def claim(self, claim: Claim) -> Answer:
        """Claim one delivery; return the verdict and whether the content differs from the one known."""
        return await self.ask([claim])[0]

    async def settle(self, settle: Settle) -> bool:
        """Settle a delivery; return whether the ledger accepted it.

        Raises LedgerUnavailableError where it did not answer: send it again.
        """
        if self.unavailable is not None and not self.lost:
            return self._settle_without(settle)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._settles.append((settle, future))
        self._wake.set()
        return await future

    async def lookup(self, key: bytes) -> Entry | None:
        """Return what the ledger knows of an event. Raises LedgerUnavailableError."""
        return (await self._ledger.lookup([key]))[key]

    async def run(self) -> None:
        """Exchange whatever waits with the ledger, for ever. When the epoch is lost, wait for `join`."""
        while not is_ending():
            await self._wake.wait()
            if self.lost or not (self._settles or self._claims or self._owed or self.unavailable):
                self._wake.clear()
                continue
            await self._exchange_once()

    def on_lost(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` whenever the epoch is lost. It must not raise."""
        self._on_lost.append(tell)

    @property
    def _does_without(self) -> bool:
        return self._has_inbox and self.unavailable is not None and not self.lost

    async def _exchange_once(self) -> None:
        settles, self._settles = self._settles[:MOST], self._settles[MOST:]
        claims, self._claims = self._claims[:MOST], self._claims[MOST:]
        owed, reclaims = self._owed.batch(MOST)
        assert self._epoch is not None
        loop = asyncio.get_running_loop()
        began, patience = loop.time(), PATIENCE.total_seconds()
        impatience = loop.call_later(patience, self._go_on, settles, claims) if self._has_inbox else None
        try:
            answers = await self._ledger.exchange(
                self._epoch, [*owed, *(settle for settle, _ in settles)], [*reclaims, *(claim for claim, _ in claims)]
            )
        except LedgerUnavailableError as error:
            self._do_without(settles, claims, error)
            await self._pause()
        except EpochChangedError:
            self._settles, self._claims = settles + self._settles, claims + self._claims
            self._lost.set()
            for tell in self._on_lost:
                tell()
        else:
            self._owed.told(len(owed), answers.claimed[: len(reclaims)])
            _resolve(settles, answers.settled[len(owed) :])
            _resolve(claims, [*zip(answers.claimed, answers.conflicting, strict=True)][len(reclaims) :])
            if not self._has_inbox or loop.time() - began < patience:
                self._welcome()
        finally:
            if impatience is not None:
                impatience.cancel()

    def _do_without(self, settles: list[Settling], claims: list[Claiming], error: LedgerUnavailableError) -> None:
        """Take what an exchange failed to bring: answered by the inbox, to be sent again, or waiting."""
        self._miss(error, "the ledger is away")
        if self._has_inbox:
            _resolve(claims, [GO_ON] * len(claims))
        else:
            self._claims = claims + self._claims
        for settle, settled in settles:
            if self._has_inbox and settle.state is State.DONE:
                self._owed.add(settle)
                _resolve([(settle, settled)], [True])
            elif not settled.done():
                settled.set_exception(error)

    def _go_on(self, settles: list[Settling], claims: list[Claiming]) -> None:
        """Wait no longer for an exchange that is on its way: it may still come through, and then says nothing new."""
        self._miss(_slow(), "the ledger is slow")
        claims, self._claims = claims + self._claims, []
        _resolve(claims, [GO_ON] * len(claims))
        for one in settles:
            if one[0].state is State.DONE:
                _resolve([one], [True])
        late, self._settles = self._settles, []
        self._do_without(late, [], _slow())

    def _settle_without(self, settle: Settle) -> bool:
        if self._has_inbox and settle.state is State.DONE:
            self._owed.add(settle)
            return True
        raise _away(self.unavailable or "")

    def _miss(self, error: LedgerUnavailableError, what: str) -> None:
        if self.unavailable is None:
            effect = "going on with the inbox; what fails waits" if self._has_inbox else "nothing is handled meanwhile"
            log.warning(what, reason=error.what, why=error.why, effect=effect)
        self.unavailable = f"{error.what}: {error.why}"
        self._wake.set()

    def _welcome(self) -> None:
        if self.unavailable is not None:
            log.info("the ledger is back", owed=self.owed)
        self.unavailable, self._probe = None, FIRST_PROBE
        self._wake.set()

    async def _pause(self) -> None:
        """Wait before the ledger is asked again: longer each time, and not at the same moment as everybody else."""
        await self._clock.sleep(self._probe * self._random.uniform(0.5, 1))
        self._probe = min(self._probe * 2, LONGEST_PROBE)


def _resolve(waiting: Iterable[tuple[object, asyncio.Future[T]]], answers: Iterable[T]) -> None:
    """Give each that waits its answer; who was answered before, or waits no more, is passed over."""
    for (_, future), answer in zip(waiting, answers, strict=True):
        if not future.done():
            future.set_result(answer)


def _slow() -> LedgerUnavailableError:
    return _away(f"it took longer than {PATIENCE.total_seconds():g} s to answer")


def _away(why: str) -> LedgerUnavailableError:
    return LedgerUnavailableError(
        "the ledger in Redis does not answer", why=why, do="see to Redis; the work waits and is tried again"
    )
