"""BreakerSession: one worker's conversation with the shared state of one dependency.

Outcomes are reported in batches, failures at once; while a failure is on its way nobody relies on what is known. When
the shared state is away the worker decides alone, by the same rules, on what it last knew.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from farandole.breaker import Breakers, BreakerState, Dependency, Kind, Outcome, Phase, Turn, Wants, permits_anything
from farandole.breaker import taken as turn_taken
from farandole.breaker.rules import WINDOW
from farandole.clock import Clock
from farandole.errors import BreakersUnavailableError
from farandole.metrics import Metrics

log = structlog.get_logger(__name__)

REPORT_EVERY: Final = timedelta(milliseconds=100)
FRESH: Final = timedelta(seconds=1)
"""What was heard longer ago is not relied upon: others may have opened the breaker meanwhile."""
FRESH_ALONE: Final = timedelta(seconds=5)
"""While the shared state is away there is nothing newer to hear, and asking may take a second each time."""
URGENT: Final = frozenset((Kind.FAILURE, Kind.THROTTLED))


class BreakerSession:
    """Reports and asks; one exchange at a time. For one event loop."""

    def __init__(self, dependency: Dependency, *, breakers: Breakers, clock: Clock, metrics: Metrics) -> None:
        self.known: BreakerState | None = None
        """The state as it was last heard."""
        self.unavailable: str | None = None
        """Why the shared state does not answer at present, or None."""
        self.report_at: datetime | None = None
        """When what was noted is to be reported, by this worker's clock; None where nothing is."""
        self._dependency = dependency
        self._breakers = breakers
        self._clock = clock
        self._metrics = metrics
        self._known_at: datetime | None = None
        self._ahead = timedelta(0)
        self._outcomes: list[Outcome] = []
        self._unsent: list[Outcome] = []
        self._told: list[asyncio.Future[None]] = []
        self._alarms = 0

    def now(self) -> datetime:
        """Return the time that the fleet shares, as well as this worker knows it."""
        return self._clock.now() + self._ahead

    def here(self, moment: datetime) -> datetime:
        """Return what this worker's clock shows at a moment of the fleet's."""
        return moment - self._ahead

    @property
    def phase(self) -> Phase:
        """The breaker's phase as it was last heard."""
        return Phase.CLOSED if self.known is None else self.known.phase

    @property
    def is_wide_open(self) -> bool:
        """Whether a first run need not ask: nothing limits it, and that was heard just now."""
        if self.known is None or self._known_at is None or self._alarms:
            return False
        fresh = FRESH if self.unavailable is None else FRESH_ALONE
        return permits_anything(self.known, self._dependency) and abs(self._clock.now() - self._known_at) < fresh

    def note(self, outcome: Outcome) -> asyncio.Future[None] | None:
        """Take an outcome to report. What is returned, for those that cannot wait, is done when it was reported."""
        self._outcomes.append(outcome)
        if outcome.kind not in URGENT and not outcome.probe:
            self.report_at = self.report_at or self._clock.now() + REPORT_EVERY
            return None
        self._alarms += 1
        self.report_at = self._clock.now()
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._told.append(told)
        return told

    async def exchange(self, wants: Wants) -> Turn:
        """Report what was noted, and ask."""
        outcomes, told, alarms = self._outcomes, self._told, self._alarms
        self._outcomes, self._told, self.report_at = [], [], None
        try:
            turn = await self._turn(outcomes, wants)
        finally:
            self._alarms -= alarms
        self._learn(turn)
        for one in told:
            if not one.done():
                one.set_result(None)
        return turn

    async def _turn(self, outcomes: list[Outcome], wants: Wants) -> Turn:
        dependency, unsent = self._dependency, [*self._unsent, *outcomes]
        try:
            turn = await self._breakers.change(
                dependency.name,
                lambda kept, now: turn_taken(
                    kept, now, dependency=dependency, outcomes=unsent, wants=wants, known=self.known
                ),
            )
        except BreakersUnavailableError as error:
            if self.unavailable is None:
                log.warning("the breakers are away: this worker decides alone", reason=error.what, why=error.why)
            self.unavailable = error.what
            # What nobody was told is told later, as far as it still says anything about the present.
            self._unsent = unsent[-WINDOW:]
            _, turn = turn_taken(self.known, self.now(), dependency=dependency, outcomes=outcomes, wants=wants)
        else:
            if self.unavailable is not None:
                log.warning("the breakers are back")
            self.unavailable, self._unsent = None, []
            self._ahead = turn.now - self._clock.now()
        return turn

    def _learn(self, turn: Turn) -> None:
        self.known, self._known_at = turn.state, self._clock.now()
        name = self._dependency.name
        self._metrics.breaker(name, turn.state)
        if turn.state.transitions != turn.before.transitions:
            self._metrics.transition(name, turn.before, turn.state)
