"""Causation: in which order events are shown, and how deep, by what caused what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

K = TypeVar("K")


def in_order(events: Sequence[K], causes: Mapping[K, K | None]) -> list[tuple[int, K]]:
    """Return each event once, with its depth: after its cause, and before its cause's next effect.

    Clocks have no say: events of one cause keep the order in which they are given. ``causes`` are untrusted: where they
    run in a circle, the first event of it that is given begins a tree; a cause that is not given is none.
    """
    given = set(events)
    effects: dict[K | None, list[K]] = {}
    for one in events:
        cause = causes.get(one)
        effects.setdefault(cause if cause in given else None, []).append(one)
    found: list[tuple[int, K]] = []
    shown: set[K] = set()
    # Whatever is in a circle is not reached from a root, so each event is tried as a root at last.
    for root in (*effects.get(None, ()), *events):
        waiting = [(0, root)]
        while waiting:
            depth, one = waiting.pop()
            if one in shown:
                continue
            shown.add(one)
            found.append((depth, one))
            waiting.extend((depth + 1, effect) for effect in reversed(effects.get(one, ())))
    return found
