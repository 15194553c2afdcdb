"""A plan says whether more than a yes is needed, how long it takes, and whether there is anything to replay to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from farandole import Delivery, Service
from farandole.errors import UsageError
from farandole.replay.counts import Counts, Runs
from farandole.replay.mode import Mode
from farandole.replay.plan import Plan
from farandole.replay.planner import demand_heard
from farandole.selection import Selection


def plan(mode: Mode, *, effects: bool, depends_on: tuple[str, ...]) -> Plan:
    runs = (Runs(handler="charge", type="t", runs=30, depends_on=depends_on),)
    return Plan(
        id="p",
        service="payments",
        mode=mode,
        effects=effects,
        cascade=False,
        with_not_provable=False,
        rate=20,
        selection={},
        cluster="c",
        topics={},
        spans=(),
        digest="",
        made=datetime(2026, 1, 1, tzinfo=UTC),
        by="",
        counts=Counts(matched=30, fates={"run": 30}, types={"t": 30}, first=None, last=None, runs=runs),
    )


def test_effects_outside_for_a_second_time_have_to_be_typed() -> None:
    assert plan(Mode.AGAIN, effects=True, depends_on=("gateway",)).needs_effects
    assert plan(Mode.AGAIN, effects=True, depends_on=()).needs_effects, "what a plan counts may be forged"
    assert not plan(Mode.AGAIN, effects=False, depends_on=("gateway",)).needs_effects
    assert not plan(Mode.MISSING, effects=False, depends_on=("gateway",)).needs_effects


def test_it_takes_as_long_as_its_rate_says() -> None:
    planned = plan(Mode.AGAIN, effects=False, depends_on=())
    assert planned.duration == timedelta(seconds=1.5)
    assert planned.document()["seconds"] == 1.5


def test_what_only_observes_is_rebuilt_and_not_replayed_to() -> None:
    service = Service("figures")

    @service.observe
    async def hear(_: Sequence[Delivery]) -> None:
        """Hear it."""

    with pytest.raises(UsageError) as refused:
        demand_heard(Selection(topics=()), service)
    assert refused.value.code == "E534"
    assert "replay rebuild --service figures" in refused.value.do
