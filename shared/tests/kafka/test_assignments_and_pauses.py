"""Whatever order rebalances, pauses and a full loop come in: what is held is paused for a reason, and only so.

And only the present assignment of a partition can finish its offsets: one that has ended, also of the same partition,
changes nothing. Hypothesis looks for the order that breaks either, against a model of a few lines.
"""

from __future__ import annotations

from collections import Counter

from confluent_kafka import TopicPartition
from farandole.engine.ports import Partition
from farandole.kafka.assignments import Assignment, Assignments
from farandole.kafka.commits import Commits
from farandole.kafka.holding import Holding
from farandole.kafka.membership import Membership
from farandole.kafka.pauses import Pauses
from farandole.metrics import Metrics
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

PARTITIONS = [Partition(topic="orders", number=number) for number in range(2)]
partitions = st.sampled_from(PARTITIONS)
some = st.sets(partitions, min_size=1)


class Client:
    """Remembers pauses as librdkafka does, across assignments, and what was committed."""

    def __init__(self) -> None:
        self.paused: set[tuple[str, int]] = set()
        self.committed: dict[tuple[str, int], int] = {}

    def pause(self, those: list[TopicPartition]) -> None:
        self.paused |= {(one.topic, one.partition) for one in those}

    def resume(self, those: list[TopicPartition]) -> None:
        self.paused -= {(one.topic, one.partition) for one in those}

    def incremental_assign(self, _: list[TopicPartition]) -> None:
        """Leave every pause as it is."""

    def incremental_unassign(self, _: list[TopicPartition]) -> None:
        """Leave every pause as it is."""

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        self.committed |= {(one.topic, one.partition): one.offset for one in offsets}


class Rebalances(RuleBasedStateMachine):
    """A member's thread and its event loop, taking turns in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.client = Client()
        self.assignments = Assignments()
        self.pauses = Pauses()
        self.ended: list[int] = []
        told = Membership("test", metrics=Metrics("test"), on_ended=self.ended.append)
        self.commits = Commits(self.assignments, group="test")
        self.holding = Holding(self.assignments, self.pauses, self.commits, told)
        self.reasons: Counter[Partition] = Counter()
        self.next = dict.fromkeys(PARTITIONS, 0)
        self.fetched: list[tuple[Assignment, int]] = []
        self.full = False

    @property
    def held(self) -> set[Partition]:
        return {one.partition for one in self.assignments}

    @rule(those=some)
    def are_assigned(self, those: set[Partition]) -> None:
        gained = those - self.held
        self.holding.take(self.client, gained)  # type: ignore[arg-type] - the part of a consumer that it uses
        for one in gained:
            self.next[one] = self.client.committed.get((one.topic, one.number), 0)

    @rule(those=some)
    def are_revoked(self, those: set[Partition]) -> None:
        self.holding.give_back(self.client, those & self.held)  # type: ignore[arg-type]

    @rule(those=some)
    def are_lost(self, those: set[Partition]) -> None:
        self.holding.lose(self.client, those & self.held)  # type: ignore[arg-type]

    @rule(one=partitions)
    def waits_for_something(self, one: Partition) -> None:
        self.reasons[one] += 1
        self.pauses.add(one)

    @precondition(lambda self: self.reasons.total() > 0)
    @rule(data=st.data())
    def waits_no_longer(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(sorted(+self.reasons, key=str)))
        self.reasons[one] -= 1
        self.pauses.remove(one)

    @rule(full=st.booleans())
    def fills_or_empties(self, full: bool) -> None:
        self.full = full
        self.holding.choke(self.client, on=full)  # type: ignore[arg-type]

    @precondition(lambda self: self.held)
    @rule()
    def are_fetched(self) -> None:
        for assignment in self.assignments:
            one = assignment.partition
            assignment.tracker.begin(self.next[one])
            self.fetched.append((assignment, self.next[one]))
            self.next[one] += 1

    @precondition(lambda self: self.fetched)
    @rule(data=st.data())
    def is_finished(self, data: st.DataObject) -> None:
        assignment, offset = self.fetched.pop(data.draw(st.integers(0, len(self.fetched) - 1)))
        self.assignments.finish(assignment.number, offset)

    @invariant()
    def what_is_held_is_paused_for_a_reason_only(self) -> None:
        self.holding.obey(self.client)  # type: ignore[arg-type]
        for one in self.held:
            wanted = self.full or self.reasons[one] > 0
            assert ((one.topic, one.number) in self.client.paused) == wanted

    @invariant()
    def what_is_committed_was_finished_by_whoever_held_it(self) -> None:
        self.commits.now(self.client)  # type: ignore[arg-type]
        for (topic, number), offset in self.client.committed.items():
            assignment = self.assignments.current(Partition(topic=topic, number=number))
            unfinished = [at for one, at in self.fetched if one is assignment]
            assert all(offset <= at for at in unfinished)

    @invariant()
    def an_assignment_has_ended_or_is_held(self) -> None:
        assert not {one.number for one in self.assignments} & set(self.ended)


Rebalances.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestRebalances = Rebalances.TestCase


def test_what_was_fetched_before_a_partition_went_away_finishes_nothing_when_it_is_back() -> None:
    (orders, *_) = PARTITIONS
    assignments = Assignments()
    assignments.add([orders])
    before = assignments.current(orders)
    assert before is not None
    before.tracker.begin(0)
    assignments.remove([orders])
    assignments.add([orders])
    after = assignments.current(orders)
    assert after is not None
    after.tracker.begin(0)
    assignments.finish(before.number, 0)
    assert after.tracker.to_commit() is None
    assignments.finish(after.number, 0)
    assert after.tracker.to_commit() == 1
