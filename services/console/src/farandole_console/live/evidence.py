"""Evidence: what was seen of the mesh last, as far as it says why a flow waits. Asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from farandole.flow.waiting import Behind, Evidence

from farandole_console.live.declared import DeclaredService
from farandole_console.live.sight import Sight


def evidence(sight: Sight, services: Sequence[DeclaredService], *, now: datetime) -> Evidence:
    """Return what is known. What a source told before it went away is left out: it may be long untrue."""
    groups = () if sight.faults.keys() & {"kafka", "groups"} else sight.groups.values()
    return Evidence(
        now=now,
        breakers={} if "redis" in sight.faults else sight.breakers,
        # A service reads its topics in the group of its own name.
        behind={
            (group.name, at.topic, at.partition): Behind(next=at.next, end=at.next + at.lag)
            for group in groups
            for at in group.behind
        },
        depends_on={(one.name, each.type): each.depends_on for one in services for each in one.handlers},
    )
