"""Whatever happens to a breaker, in any order, its promises hold.

Hypothesis plays a fleet of workers before one dependency: they ask, run, report late or never, and time passes. After
every step: while it is open nobody runs but one prober, whose lease ends by itself; a declared rate is kept in any
second; reruns never cost more than what successes and time brought; what is kept is read again as it was.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from farandole import Dependency
from farandole.breaker import Kind, Outcome, Phase, Wants, ask, begun, report
from farandole.breaker.budget import DEPOSIT, FLOOR, MOST
from farandole.breaker.state import packed, unpacked
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

START = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=7)
RATE = 20
GATEWAY = Dependency("gateway", rate=RATE)


class Fleet(RuleBasedStateMachine):
    """Workers that ask and report, each run remembered until it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.state = begun(START)
        self.runs: list[tuple[datetime, str]] = []
        self.begun: list[datetime] = []
        self.lease_ends: datetime | None = None
        self.reruns = 0
        self.succeeded = 0
        self.leases = 0

    @rule(seconds=st.sampled_from([0.01, 0.05, 0.3, 1, 2, 7, 40]))
    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(first=st.integers(0, 30), reruns=st.integers(0, 30), room=st.integers(0, 30))
    def ask(self, first: int, reruns: int, room: int) -> None:
        self.leases += 1
        lease = f"w:{self.leases}"
        wants = Wants(first=first, reruns=reruns, room=room, probe=lease, probe_lasts=LEASE)
        self.state, granted = ask(self.state, wants, self.now, GATEWAY)
        assert granted.first + granted.reruns <= room
        assert granted.first <= first
        assert granted.reruns <= reruns
        if granted.probe:
            assert self.state.phase is Phase.OPEN
            assert self.lease_ends is None or self.now >= self.lease_ends
            self.lease_ends = self.now + LEASE
            self.runs.append((self.now, lease))
        if self.state.phase is Phase.OPEN:
            assert (granted.first, granted.reruns) == (0, 0)
        self.runs += [(self.now, "")] * (granted.first + granted.reruns)
        self.begun += [self.now] * (granted.first + granted.reruns)
        self.reruns += granted.reruns

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), kind=st.sampled_from(list(Kind)), count=st.integers(1, 12))
    def end_runs(self, data: st.DataObject, kind: Kind, count: int) -> None:
        outcomes = []
        for _ in range(min(count, len(self.runs))):
            began, lease = self.runs.pop(data.draw(st.integers(0, len(self.runs) - 1)))
            outcomes.append(Outcome(kind=kind, began=began, ended=self.now, probe=lease))
            if lease and self.state.probe is not None and self.state.probe.holder == lease:
                self.lease_ends = None
        self.succeeded += len(outcomes) * (kind is Kind.SUCCESS)
        self.state = report(self.state, outcomes, self.now, GATEWAY)
        if self.state.probe is None:
            self.lease_ends = None

    @precondition(lambda self: self.runs)
    @rule()
    def lose_a_worker(self) -> None:
        self.runs.pop()

    @invariant()
    def the_declared_rate_is_kept_in_any_second(self) -> None:
        recent = [one for one in self.begun if one > self.now - timedelta(seconds=1)]
        assert len(recent) <= RATE

    @invariant()
    def reruns_cost_what_was_brought(self) -> None:
        seconds = (self.now - START).total_seconds()
        assert self.reruns <= FLOOR + FLOOR * seconds + DEPOSIT * self.succeeded + 1e-6
        assert 0 <= self.state.budget.tokens <= MOST

    @invariant()
    def it_is_kept_as_it_is(self) -> None:
        assert unpacked(packed(self.state)) == self.state
        assert len(packed(self.state)) < 4096


TestFleet = Fleet.TestCase
TestFleet.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
