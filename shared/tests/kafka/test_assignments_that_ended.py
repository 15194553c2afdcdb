"""A partition that was taken away and given back is held under another assignment (PROTOCOL rule 1).

Whoever finishes late what was fetched before must move no offset of the new one: the group may have gone back
meanwhile, and a commit would jump over what is being delivered again.
"""

from __future__ import annotations

from farandole.engine.ports import Partition
from farandole.kafka.assignments import Assignments

ORDERS = Partition(topic="orders", number=0)


def test_what_was_fetched_before_a_partition_went_away_commits_nothing_when_it_is_back() -> None:
    assignments = Assignments()
    assignments.add([ORDERS])
    before = assignments.current(ORDERS)
    assert before is not None
    before.tracker.begin(7)
    assignments.remove([ORDERS])
    assignments.add([ORDERS])
    now = assignments.current(ORDERS)
    assert now is not None
    now.tracker.begin(7)
    assignments.finish(before.number, 7)
    assert now.tracker.to_commit() is None
    assignments.finish(now.number, 7)
    assert now.tracker.to_commit() == 8
