"""FlowTree: the events of one flow, each beneath its cause, with what became of it at every service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Final

from farandole.flow.causation import in_order
from farandole.flow.happening import Happening, Kind
from farandole.flow.hearing import Hearing, hearing

MOST_HAPPENINGS: Final = 20_000
"""Of one flow, the first ones. A flow has a few dozen, unless somebody abuses its id."""

EventKey = tuple[str, str]
Hears = Callable[[str], Iterable[str]]
"""Which services hear an event type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One event in the tree. ``event`` is its first record; where that is gone, what is known of it best.

    ``depth`` is 0 for what nothing known caused. ``since`` is the broker's time since the flow began. ``copies`` are
    further records of it on its topic; ``conflicting`` says that an id came with several contents. ``missing_cause``
    is the id of a cause that is not in the flow; ``also_caused_by`` are the causes beside the one that it is beneath.
    """

    event: Happening
    depth: int
    since: timedelta
    copies: int
    conflicting: bool
    is_emitted: bool
    missing_cause: str
    also_caused_by: tuple[str, ...]
    hearings: tuple[Hearing, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowTree:
    """A flow: its events in the order of causation. ``untold`` is how many happenings were too many to be read."""

    flow_id: str
    nodes: tuple[Node, ...]
    began: datetime
    latest: datetime
    untold: int

    @property
    def first(self) -> Node:
        """The event that it begins with."""
        return self.nodes[0]

    @property
    def last(self) -> Node:
        """The event that the brokers appended last."""
        return max(self.nodes, key=lambda one: (one.event.at, one.event.key))


def nobody(event_type: str) -> Iterable[str]:  # noqa: ARG001 - whatever the type
    """Say that nobody is known to hear a type."""
    return ()


def flow_tree(flow_id: str, happenings: Iterable[Happening], *, hears: Hears = nobody) -> FlowTree | None:
    """Return the tree of a flow; None where nothing of it is among these.

    The order in which happenings come, and how often each does, changes nothing. Causation decides what is beneath
    what; the broker's time only orders the effects of one cause.
    """
    mine = {one.key: one for one in happenings if one.flow_id == flow_id}
    if not mine:
        return None
    kept = nsmallest(MOST_HAPPENINGS, mine.values(), key=lambda one: (one.at, one.key))
    by_event: dict[EventKey, list[Happening]] = {}
    for one in kept:
        by_event.setdefault(one.event, []).append(one)
    firsts = {key: _first(told) for key, told in by_event.items()}
    order = sorted(firsts, key=lambda key: (key[1] != flow_id, firsts[key].at, firsts[key].key))
    known: dict[str, EventKey] = {}
    for key in order:
        known.setdefault(key[1], key)
    causes = {key: known.get(firsts[key].causation_id or "") for key in order}
    answers = _answers(firsts, known)
    placed = in_order(order, causes)
    began = firsts[placed[0][1]].at
    return FlowTree(
        flow_id=flow_id,
        nodes=tuple(
            _node(
                depth, firsts[key], by_event[key], began=began, known=known, answered=answers.get(key, {}), hears=hears
            )
            for depth, key in placed
        ),
        began=began,
        latest=max(one.at for one in kept),
        untold=len(mine) - len(kept),
    )


def _first(told: Sequence[Happening]) -> Happening:
    return min(told, key=lambda one: (one.kind is not Kind.EMITTED, one.kind not in ENVELOPED, one.at, one.key))


ENVELOPED: Final = frozenset(Kind) - {Kind.HANDLED, Kind.DROPPED, Kind.SKIPPED, Kind.CONFLICTING}
"""Kinds that are read from a record with the event's envelope, and so know its cause."""


def _answers(firsts: Mapping[EventKey, Happening], known: Mapping[str, EventKey]) -> dict[EventKey, dict[str, None]]:
    """Return which services answered which event: a follow-on is the proof that they are done with it."""
    found: dict[EventKey, dict[str, None]] = {}
    for key in sorted(firsts):
        one = firsts[key]
        if one.kind is not Kind.EMITTED:
            continue
        for cause in filter(None, (one.causation_id, *one.causes)):
            if cause in known and known[cause] != key:
                found.setdefault(known[cause], {})[one.service] = None
    return found


def _node(
    depth: int,
    first: Happening,
    told: Sequence[Happening],
    *,
    began: datetime,
    known: Mapping[str, EventKey],
    answered: Mapping[str, None],
    hears: Hears,
) -> Node:
    emitted = [one for one in told if one.kind is Kind.EMITTED]
    named = list(dict.fromkeys(filter(None, (first.causation_id, *first.causes))))
    return Node(
        event=first,
        depth=depth,
        since=first.at - began,
        copies=max(0, len(emitted) - 1),
        conflicting=len({one.digest for one in emitted}) > 1 or any(one.kind is Kind.CONFLICTING for one in told),
        is_emitted=bool(emitted),
        missing_cause=first.causation_id if first.causation_id and first.causation_id not in known else "",
        also_caused_by=tuple(one for one in named if one != first.causation_id),
        hearings=_hearings(first, told, answered, hears),
    )


def _hearings(
    first: Happening, told: Sequence[Happening], answered: Mapping[str, None], hears: Hears
) -> tuple[Hearing, ...]:
    by_service: dict[tuple[str, str], list[Happening]] = {(name, ""): [] for name in (*hears(first.type), *answered)}
    for one in told:
        if one.kind is not Kind.EMITTED:
            by_service.setdefault((one.service, one.replay_id), []).append(one)
    return tuple(
        hearing(name, replay_id, by_service[name, replay_id], answered=name in answered and not replay_id)
        for name, replay_id in sorted(by_service)
    )
