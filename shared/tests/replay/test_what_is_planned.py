"""What cannot be delivered again is no part of a plan, and is counted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from farandole.audit.standing import Standing
from farandole.audit.trace import trace_of
from farandole.delivery import Coordinates, Delivery, Record
from farandole.engine.size import MOST_PRIVATE_BYTES
from farandole.envelope import Envelope
from farandole.replay.fate import Fate
from farandole.replay.foreseeing import NOWHERE
from farandole.replay.judging import Heard, Judged
from farandole.replay.mode import Mode
from farandole.replay.planning import Planning
from farandole.replay.terms import Terms

STANDING = {Mode.MISSING: Standing.LOST, Mode.AGAIN: Standing.DONE}


class Memory:
    """Every event is heard, and stands alike."""

    emitted = NOWHERE

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def heard(self, record: Record) -> Heard:
        envelope = Envelope(id="e", type="t", source="s", subject="", time="", correlation_id="")
        delivery = Delivery(record=record, envelope=envelope, service="x", origin=record.coordinates)
        handler: Any = SimpleNamespace(runs_in=lambda _replay: True)
        return Heard(delivery=delivery, trace=trace_of(delivery), handler=handler)

    async def judged(self, traces: Sequence[Any]) -> dict[bytes, Judged]:
        return {one.key: Judged(standing=self._standing, attempt=1) for one in traces}

    async def kept(self, _traces: object) -> dict[bytes, Any]:
        return {}


@pytest.mark.parametrize("mode", Mode)
async def test_a_record_that_no_private_topic_takes_is_not_planned(mode: Mode) -> None:
    record = Record(
        coordinates=Coordinates(topic="t", partition=0, offset=0),
        key=b"k",
        value=b"v" * MOST_PRIVATE_BYTES,
        headers=(),
        appended=datetime(2026, 1, 1, tzinfo=UTC),
    )
    judging: Any = Memory(STANDING[mode])
    with closing(Planning(Terms(service="x", mode=mode), judging)) as planning:
        await planning.take([record])
        assert planning.counts().fates == {Fate.TOO_LARGE.name.lower(): 1}
        assert not len(planning.chosen())
