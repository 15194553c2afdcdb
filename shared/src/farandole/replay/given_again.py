"""GivenAgain: a record of history as a replay gives it to its service."""

from __future__ import annotations

from farandole.delivery import Replay
from farandole.operations import Sending
from farandole.replay.judging import Heard


def given_again(one: Heard, *, attempt: int, replay: Replay | None) -> Sending:
    """Return the record as it is sent: at this attempt, or, under ``again``, as a part of the replay."""
    return Sending(
        record=one.delivery.record,
        envelope=one.delivery.envelope,
        origin=one.trace.coordinates,
        attempt=attempt,
        replay=replay,
    )
