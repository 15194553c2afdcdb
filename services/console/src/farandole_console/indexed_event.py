"""IndexedEvent: an event as the index knows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from farandole.delivery import Coordinates
from farandole.flow.happening import Happening, Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedEvent:
    """One event, at the coordinates where it was first seen; ``seq`` counts in the order of indexing.

    ``time`` is the sender's word, ``appended`` the broker's. ``conflicting``: the id came again with other content.
    """

    seq: int
    source: str
    event_id: str
    type: str
    subject: str
    flow_id: str
    causation_id: str | None
    causes: str
    time: str
    appended: datetime
    topic: str
    partition: int
    offset: int
    digest: int
    conflicting: bool

    def emitted(self) -> Sequence[Happening]:
        """Return that it was emitted, and that its id came again with other content, where it did."""
        lies = Coordinates(topic=self.topic, partition=self.partition, offset=self.offset)
        first = Happening(
            kind=Kind.EMITTED,
            service=self.source,
            source=self.source,
            event_id=self.event_id,
            type=self.type,
            subject=self.subject,
            flow_id=self.flow_id,
            at=self.appended,
            coordinates=lies,
            origin=lies,
            causation_id=self.causation_id,
            causes=tuple(self.causes.split(",")) if self.causes else (),
            time=self.time,
            digest=self.digest,
        )
        # Where the other record lies is not kept, so it stands at the first one's place, as a second thing told there.
        return (first, replace(first, ordinal=1, digest=~self.digest)) if self.conflicting else (first,)
