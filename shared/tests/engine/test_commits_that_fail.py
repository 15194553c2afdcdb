"""An offset whose commit failed is committed again, also where nothing is finished after it.

The last event of an idle topic would otherwise look like lag for ever, and come back at each start.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from farandole.engine.ports import Partition
from farandole.kafka.assignments import Assignments
from farandole.kafka.commits import Commits


class Coordinator:
    """Stands in for the consumer: refuses as often as it is told, then keeps what is committed."""

    def __init__(self, commits: Commits, *, refusals: int, at_once: bool) -> None:
        self.committed: list[int] = []
        self._commits = commits
        self._refusals = refusals
        self._at_once = at_once

    def commit(self, *, offsets: Sequence[TopicPartition], asynchronous: bool) -> None:
        assert asynchronous
        if self._refusals:
            self._refusals -= 1
            error = KafkaError(KafkaError.REBALANCE_IN_PROGRESS)
            if self._at_once:
                raise KafkaException(error)
            self._commits.answered(error, list(offsets))
            return
        self.committed += [one.offset for one in offsets]


@pytest.mark.parametrize("at_once", [True, False], ids=["refused at once", "refused later"])
def test_it_is_committed_again(at_once: bool) -> None:
    assignments = Assignments()
    commits = Commits(assignments, group="g")
    partition = Partition(topic="t", number=0)
    assignments.add([partition])
    assignment = assignments.current(partition)
    assert assignment is not None
    assignment.tracker.begin(7)
    assignment.tracker.finish(7)
    coordinator = Coordinator(commits, refusals=2, at_once=at_once)
    for _ in range(4):
        commits._last = 0.0
        commits.soon(coordinator)  # type: ignore[arg-type]
    assert coordinator.committed == [8]
