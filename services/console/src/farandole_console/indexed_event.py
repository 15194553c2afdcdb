"""IndexedEvent: an event as the index knows it."""

from __future__ import annotations

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

    @property
    def key(self) -> tuple[str, str]:
        """What makes it this event and no other."""
        return self.source, self.event_id

    def emitted(self) -> Happening:
        """Return that it was emitted."""
        lies = Coordinates(topic=self.topic, partition=self.partition, offset=self.offset)
        return Happening(
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

    def copied(self, other: Happening) -> Happening:
        """Return what happened to it; where that is a further record of it, with what the index keeps once.

        Which of several records had the other content is not kept.
        """
        if other.kind is not Kind.EMITTED:
            return other
        first = self.emitted()
        digest = ~self.digest if self.conflicting else self.digest
        return replace(other, causation_id=first.causation_id, causes=first.causes, time=first.time, digest=digest)
