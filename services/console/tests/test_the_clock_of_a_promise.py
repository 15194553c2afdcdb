"""A promise is judged: kept, open, or stuck.

Only time in which it could have been kept counts. A naive model counts second by second; the decision must agree with
it over whole lives of promises: outages, backlogs, answers that come early, late or never, and looks at any moment.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from farandole_console.promises.promise import Met, Pause, Promise, Standing, Stuck, Unread, Waiting, due_at, judge
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
WITHIN = 10


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def counted_due(within: int, paused: set[int]) -> int:
    """Count seconds that are not paused until enough are used up."""
    used = second = 0
    while used < within:
        used += second not in paused
        second += 1
    return second


spans = st.lists(st.tuples(st.integers(-30, 60), st.integers(0, 40)), max_size=6)


@given(spans=spans, within=st.integers(1, 40))
def test_time_in_a_pause_does_not_count_however_pauses_overlap(spans, within):
    pauses = [Pause(began=at(first), ended=at(first + length)) for first, length in spans]
    paused = {second for first, length in spans for second in range(first, first + length)}
    due = due_at(START, timedelta(seconds=within), pauses)
    # A pause that begins in the very moment in which the time is used up changes nothing.
    assert due == at(counted_due(within, paused))


class Lives(RuleBasedStateMachine):
    """One promise, looked at every second; the model keeps the seconds that do not count in a set."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.met = False
        self.unread_since: int | None = None
        self.held: Pause | None = None
        self.pauses: list[Pause] = []
        self.paused: set[int] = set()
        self.judged: Met | Waiting | Stuck = Waiting(why="", due=at(WITHIN), held=None)

    def look(self) -> None:
        unread = [] if self.unread_since is None else [Unread(service="s", type="T", since=at(self.unread_since))]
        promise = Promise(flow_id="f", expectation="e", began=START, held=self.held)
        standing = Standing(
            now=at(self.now),
            within=timedelta(seconds=WITHIN),
            is_met=self.met,
            unread=unread,
            pauses=self.pauses,
        )
        self.judged = judge(promise, standing)
        if isinstance(self.judged, Waiting):
            self.held = self.judged.held

    @rule(seconds=st.integers(1, 8))
    def time_passes(self, seconds: int) -> None:
        for _ in range(seconds):
            if self.unread_since is not None:
                self.paused.add(self.now)
            self.now += 1
            self.look()

    @rule(seconds=st.integers(1, 30))
    def nobody_watches_for_a_while(self, seconds: int) -> None:
        self.pauses.append(Pause(began=at(self.now), ended=at(self.now + seconds)))
        self.paused |= set(range(self.now, self.now + seconds))
        self.now += seconds
        self.look()

    @rule()
    def a_service_falls_behind(self) -> None:
        # What lies between two backlogs counts as held, too: late is better than wrong.
        if self.unread_since is None:
            if self.held is not None:
                first = round((self.held.began - START).total_seconds())
                self.paused |= set(range(first, self.now))
            self.unread_since = self.now
            self.look()

    @rule()
    def it_has_read_on(self) -> None:
        self.unread_since = None
        self.look()

    @rule()
    def what_is_expected_happens(self) -> None:
        self.met, self.unread_since = True, None
        self.look()

    @invariant()
    def the_model_agrees(self) -> None:
        if self.met:
            assert isinstance(self.judged, Met)
        elif self.unread_since is not None:
            assert isinstance(self.judged, Waiting)
        else:
            used = sum(second not in self.paused for second in range(self.now))
            assert isinstance(self.judged, Stuck if used >= WITHIN else Waiting)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
