"""A plan is run only on the mesh that it was made for: whatever has changed since is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from farandole.cli.exit_code import ExitCode, exit_code_of
from farandole.delivery import Coordinates
from farandole.engine.ports import Partition
from farandole.errors import StalePlanError
from farandole.replay.chosen import Choosing
from farandole.replay.counts import Counts
from farandole.replay.mode import Mode
from farandole.replay.plan import Plan
from farandole.replay.staleness import Now, demand_fresh, stale

MADE = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = Plan(
    id="20260301T120000-0a0b0c0d",
    service="orders",
    mode=Mode.MISSING,
    effects=False,
    cascade=False,
    with_not_provable=False,
    rate=200,
    selection={},
    cluster="one",
    topics={"payments": "id-1"},
    spans=(),
    digest="d1",
    made=MADE,
    by="me@here",
    counts=Counts(matched=1, fates={"run": 1}, types={}, first=None, last=None, runs=()),
)
CHOOSING = Choosing()
CHOOSING.add(Coordinates(topic="payments", partition=2, offset=70))
CHOSEN = CHOOSING.chosen()
NOW = Now(
    cluster="one",
    topics={"payments": "id-1"},
    starts={Partition(topic="payments", number=2): 70},
    digest="d1",
    at=MADE + timedelta(hours=23),
)


def test_a_plan_of_today_on_the_same_mesh_is_fresh() -> None:
    assert stale(PLAN, CHOSEN, NOW) == []
    demand_fresh(PLAN, CHOSEN, NOW)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (replace(NOW, cluster="two"), "cluster one, and this is two"),
        (replace(NOW, topics={}), "payments is gone"),
        (replace(NOW, topics={"payments": "id-2"}), "payments was deleted and created again"),
        (replace(NOW, starts={Partition(topic="payments", number=2): 71}), "payments[2] begins at 71"),
        (replace(NOW, digest="d2"), "the handlers of orders changed"),
        (replace(NOW, at=MADE + timedelta(hours=25)), "more than a day ago"),
    ],
)
def test_what_changed_is_named(now: Now, told: str) -> None:
    (reason,) = stale(PLAN, CHOSEN, now)
    assert told in reason
    with pytest.raises(StalePlanError) as refused:
        demand_fresh(PLAN, CHOSEN, now)
    assert told in refused.value.why
    assert "replay plan --service orders" in refused.value.do
    assert exit_code_of(refused.value) == ExitCode.CHECK_FAILED


def test_a_log_that_shrank_before_what_was_chosen_harms_nobody() -> None:
    assert stale(PLAN, CHOSEN, replace(NOW, starts={Partition(topic="payments", number=2): 50})) == []


def test_an_old_plan_is_run_on_demand() -> None:
    assert stale(PLAN, CHOSEN, replace(NOW, at=MADE + timedelta(days=9)), may_be_old=True) == []
