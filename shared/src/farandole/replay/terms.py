"""Terms: how what is selected is to be replayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from farandole.errors import UsageError
from farandole.operations.pace import LEAST_RATE, MOST_RATE
from farandole.replay.mode import Mode

RATE: Final = 200.0
"""Records a second: half a core of a service is left for live traffic, by far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """How a selection is to be replayed to ``service``. Raises UsageError where the parts do not go together."""

    service: str
    mode: Mode = Mode.MISSING
    effects: bool = False
    cascade: bool = False
    with_not_provable: bool = False
    rate: float = RATE

    def __post_init__(self) -> None:
        if not LEAST_RATE <= self.rate <= MOST_RATE:  # which is false of what is no number, too
            raise UsageError(
                f"--rate takes a number from {LEAST_RATE:g} to {MOST_RATE:,.0f}",
                why="it is records a second",
                code="E533",
            )
        if self.mode is Mode.MISSING and (self.effects or self.cascade):
            raise UsageError(
                "--effects and --cascade are for --mode again",
                why="what was not handled yet is handled as it always is, with all its effects and follow-ons",
                do="leave them out, or add --mode again",
                code="E533",
            )
