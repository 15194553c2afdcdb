"""Graph: who hears which topic and who writes it, as a picture is made of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from farandole_console.live.declared import DeclaredService
from farandole_console.live.sight import Sight


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """A service hears a topic, or writes one. ``events`` are the types, where they are declared."""

    source: str
    target: str
    hears: bool
    events: Sequence[str] = ()
    lag: int = 0
    per_second: float = 0.0


def edges(sight: Sight, services: Sequence[DeclaredService]) -> Sequence[Edge]:
    """Return the edges: those that are declared, and those that were seen because a group has read a topic."""
    heard: dict[tuple[str, str], set[str]] = {}
    written: dict[tuple[str, str], set[str]] = {}
    for service in services:
        for handler in service.handlers:
            heard.setdefault((handler.topic, service.name), set()).add(handler.event)
            for event, topic in handler.emits:
                written.setdefault((service.name, topic), set()).add(event)
    lags: dict[tuple[str, str], int] = {}
    for group in sight.groups.values():
        for one in group.behind:
            seen = sight.topics.get(one.topic)
            if seen is not None and seen.is_domain and group.name == group.service:
                at = (one.topic, group.service)
                lags[at] = lags.get(at, 0) + one.lag
                heard.setdefault(at, set())
    pace = {name: one.per_second for name, one in sight.topics.items()}
    hearing = [
        Edge(source=t, target=s, hears=True, events=sorted(e), lag=lags.get((t, s), 0), per_second=pace.get(t, 0.0))
        for (t, s), e in sorted(heard.items())
    ]
    writing = [
        Edge(source=s, target=t, hears=False, events=sorted(e), per_second=pace.get(t, 0.0))
        for (s, t), e in sorted(written.items())
    ]
    return [*hearing, *writing]


def picture(found: Sequence[Edge], sight: Sight) -> Mapping[str, Any]:
    """Return what the script that draws is given."""
    services = {one.target if one.hears else one.source for one in found}
    topics = {one.source if one.hears else one.target for one in found}
    down = {name.partition(".")[0] for name in sight.down}
    return {
        "nodes": [
            *({"id": f"s:{one}", "name": one, "kind": "service", "bad": one in down} for one in sorted(services)),
            *({"id": f"t:{one}", "name": one, "kind": "topic", "bad": False} for one in sorted(topics)),
        ],
        "edges": [
            {
                "from": f"{'t' if one.hears else 's'}:{one.source}",
                "to": f"{'s' if one.hears else 't'}:{one.target}",
                "lag": one.lag,
            }
            for one in found
        ],
    }
