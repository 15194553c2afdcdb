"""An offset whose commit failed is committed again, also where nothing is finished after it.

The last event of an idle topic would otherwise look like lag for ever, and come back at each start.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from farandole.engine.ports import Partition
from farandole.kafka.connection import Connection
from farandole.kafka.source import KafkaSource


class Coordinator:
    """Stands in for the consumer: refuses as often as it is told, then keeps what is committed."""

    def __init__(self, source: KafkaSource, *, refusals: int, at_once: bool) -> None:
        self.committed: list[int] = []
        self._source = source
        self._refusals = refusals
        self._at_once = at_once

    def commit(self, *, offsets: Sequence[TopicPartition], asynchronous: bool) -> None:
        assert asynchronous
        if self._refusals:
            self._refusals -= 1
            error = KafkaError(KafkaError.REBALANCE_IN_PROGRESS)
            if self._at_once:
                raise KafkaException(error)
            self._source._was_committed(error, list(offsets))
            return
        self.committed += [one.offset for one in offsets]


@pytest.mark.parametrize("at_once", [True, False], ids=["refused at once", "refused later"])
def test_it_is_committed_again(at_once: bool) -> None:
    source = KafkaSource(Connection(bootstrap="127.0.0.1:1", client_id="test"), group="g", topics=["t"])
    partition = Partition(topic="t", number=0)
    source._assignments.add([partition])
    assignment = source._assignments.current(partition)
    assert assignment is not None
    assignment.tracker.begin(7)
    assignment.tracker.finish(7)
    coordinator = Coordinator(source, refusals=2, at_once=at_once)
    for _ in range(4):
        source._last_commit = 0.0
        source._commit(coordinator)  # type: ignore[arg-type]
    assert coordinator.committed == [8]
