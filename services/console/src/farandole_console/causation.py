"""Causation: the events of a flow as the tree of what caused what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Caused(Protocol):
    """An event, as far as its place in a tree goes."""

    @property
    def event_id(self) -> str:
        """Its id."""
        ...

    @property
    def causation_id(self) -> str | None:
        """The id of the event that it answers."""
        ...


T = TypeVar("T", bound=Caused)


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch(Generic[T]):
    """An event in the tree; ``depth`` is 0 for those that nothing known caused."""

    depth: int
    event: T


def tree(events: Sequence[T]) -> tuple[Branch[T], ...]:
    """Return the events in the order of causation: each after its cause, before its cause's next effect.

    Clocks have no say: events of one cause keep the order in which they are given. Causation ids are untrusted: where
    they run in a circle, or name an event that is not here, the first event of it begins a tree. Every event appears
    once.
    """
    present = {event.event_id for event in events}
    effects: dict[str | None, list[int]] = {}
    for place, event in enumerate(events):
        cause = event.causation_id if event.causation_id in present else None
        effects.setdefault(cause, []).append(place)
    branches: list[Branch[T]] = []
    shown: set[int] = set()
    # Whatever is in a circle is not reached from a root, so each event is tried as a root at last.
    for root in (*effects.get(None, ()), *range(len(events))):
        waiting = [(0, root)]
        while waiting:
            depth, place = waiting.pop()
            if place in shown:
                continue
            shown.add(place)
            branches.append(Branch(depth=depth, event=events[place]))
            following = effects.get(events[place].event_id, ())
            waiting.extend((depth + 1, effect) for effect in reversed(following))
    return tuple(branches)
