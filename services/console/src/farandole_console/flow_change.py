"""FlowChange: what a batch of new events does to the row of one flow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from farandole_console.sighting import Sighting


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowChange:
    """The events that a flow gains, its beginning and its latest event as far as these events tell."""

    id: str
    subject: str
    rooted: bool
    events: int
    first_type: str
    began: datetime
    last_type: str
    latest: datetime

    def row(self) -> Mapping[str, Any]:
        """Return the change as the row of a flow that was not known before."""
        return {name: getattr(self, name) for name in self.__slots__}


def changes(sightings: Iterable[Sighting]) -> tuple[FlowChange, ...]:
    """Return the change of every flow that these new events belong to, by flow id.

    The event that names the flow begins it; where it is not among them, the one that the broker appended first does.
    """
    by_flow: dict[str, list[Sighting]] = {}
    for sighting in sightings:
        by_flow.setdefault(sighting.flow_id, []).append(sighting)
    return tuple(_change(flow_id, by_flow[flow_id]) for flow_id in sorted(by_flow))


def _change(flow_id: str, gained: list[Sighting]) -> FlowChange:
    first = min(gained, key=lambda one: (not one.begins_flow, one.appended))
    last = max(gained, key=lambda one: one.appended)
    return FlowChange(
        id=flow_id,
        subject=first.subject,
        rooted=first.begins_flow,
        events=len(gained),
        first_type=first.type,
        began=first.appended,
        last_type=last.type,
        latest=last.appended,
    )
