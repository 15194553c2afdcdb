"""FollowOn: an event that a handler returns, where it has to say more than the event itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from farandole.event import Event

E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowOn(Generic[E_co]):
    """An event to publish, with what cannot be read off the delivery that caused it.

    ``flow`` puts it into another flow than that of the delivery (stock that arrives serves an order of long ago).
    ``causes`` names further events that caused it, by id; the delivery itself is always a cause.
    ``join`` names what was joined (an order id): the follow-on's id is then derived from it rather than from the
    delivery, so that either half of the join, arriving last, yields the same id.
    """

    event: E_co
    flow: str | None = None
    causes: tuple[str, ...] = ()
    join: str | None = None


Emission: TypeAlias = Event | FollowOn[Event]
Outcome: TypeAlias = Emission | tuple[Emission, ...] | None
"""What a handler may return: nothing, one event, or several."""


def emissions(outcome: Outcome) -> tuple[FollowOn[Event], ...]:
    """Spell a handler's outcome out as a tuple of follow-ons, in the order returned."""
    if outcome is None:
        return ()
    several = outcome if isinstance(outcome, tuple) else (outcome,)
    return tuple(one if isinstance(one, FollowOn) else FollowOn(event=one) for one in several)
