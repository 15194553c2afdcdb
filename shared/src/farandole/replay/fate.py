"""Fate: what a replay does about one matched record. Pure; every record has exactly one fate."""

from __future__ import annotations

from enum import Enum
from typing import Final

from farandole.audit.standing import Standing
from farandole.replay.mode import Mode


class Fate(Enum):
    """What becomes of a matched record. Only those that RUN are sent. The values are the words of the output."""

    RUN = "would run"
    HANDLED = "already handled"
    """A delivery would be dropped, so none is sent."""
    ON_THEIR_WAY = "on their way"
    """In flight, retrying, parked or waiting: the service is given it anyway."""
    DEAD = "dead"
    """Left to ``farandole dlq``: to send a dead letter again is a redrive."""
    MISSING = "never handled"
    """Not for ``again``, which publishes no follow-ons; ``missing`` sends it."""
    NOT_PROVABLE = "not provable"
    """Passed, and whoever would remember it may have forgotten."""
    SKIPPED = "skipped by its handler"
    """Its handler does not run under ``again``."""
    UNHEARD = "no handler"
    """No handler of this service hears its type."""
    TOO_LARGE = "too large"
    """The service's redelivery topic does not take it: only its own topic can hold so much."""
    REPEATED = "repeated"
    """A further record of an event that was matched already."""


_WAYS: Final = frozenset((Standing.RETRYING, Standing.PARKED, Standing.IN_FLIGHT, Standing.WAITING))
_HANDLED: Final = frozenset((Standing.DONE, Standing.CONTRADICTED))


def fate_of(standing: Standing, mode: Mode, *, with_not_provable: bool = False) -> Fate:
    """Return the fate of an event that a handler hears, and would run for, by what became of it so far.

    What may have been forgotten is sent only on demand. It may have been handled, which ``missing`` is not for; and it
    may not: ``again`` publishes no follow-ons, and a later ``missing`` would find the work done, and publish none.
    """
    if standing in _WAYS:
        return Fate.ON_THEIR_WAY
    if standing is Standing.DEAD:
        return Fate.DEAD
    if standing is Standing.UNPROVEN:
        return Fate.RUN if with_not_provable else Fate.NOT_PROVABLE
    if (standing in _HANDLED) == (mode is Mode.AGAIN):
        return Fate.RUN
    return Fate.HANDLED if standing in _HANDLED else Fate.MISSING
