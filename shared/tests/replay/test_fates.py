"""What a replay does about an event follows from what became of it, and from the mode."""

from __future__ import annotations

import pytest
from farandole.audit.standing import Standing
from farandole.errors import UsageError
from farandole.replay.fate import Fate, fate_of
from farandole.replay.mode import Mode
from farandole.replay.terms import Terms

ON_THEIR_WAY = [Standing.RETRYING, Standing.PARKED, Standing.IN_FLIGHT, Standing.WAITING]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("standing", ON_THEIR_WAY)
def test_what_the_service_is_given_anyway_is_not_sent(standing: Standing, mode: Mode) -> None:
    assert fate_of(standing, mode, with_not_provable=True) is Fate.ON_THEIR_WAY


@pytest.mark.parametrize("mode", Mode)
def test_a_dead_letter_is_left_to_its_desk(mode: Mode) -> None:
    assert fate_of(Standing.DEAD, mode, with_not_provable=True) is Fate.DEAD


@pytest.mark.parametrize("standing", [Standing.DONE, Standing.CONTRADICTED])
def test_what_is_handled_runs_only_again(standing: Standing) -> None:
    assert fate_of(standing, Mode.MISSING, with_not_provable=True) is Fate.HANDLED
    assert fate_of(standing, Mode.AGAIN) is Fate.RUN


@pytest.mark.parametrize("standing", [Standing.LOST, Standing.STRANDED, Standing.DISCARDED])
def test_what_was_never_handled_is_not_for_again(standing: Standing) -> None:
    assert fate_of(standing, Mode.MISSING) is Fate.RUN
    assert fate_of(standing, Mode.AGAIN) is Fate.MISSING


@pytest.mark.parametrize("mode", Mode)
def test_what_may_be_forgotten_is_sent_only_on_demand(mode: Mode) -> None:
    assert fate_of(Standing.UNPROVEN, mode) is Fate.NOT_PROVABLE
    assert fate_of(Standing.UNPROVEN, mode, with_not_provable=True) is Fate.RUN


@pytest.mark.parametrize(
    "parts",
    [
        {"rate": 0},
        {"rate": 1e-300},
        {"rate": float("nan")},
        {"rate": float("inf")},
        {"mode": Mode.MISSING, "effects": True},
        {"mode": Mode.MISSING, "cascade": True},
    ],
)
def test_a_request_that_contradicts_itself_is_refused(parts: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Terms(service="orders", **parts)
