"""Reading: how the records of a mesh are understood: by its cluster's id and its schemas."""

from __future__ import annotations

from farandole.codec import Codec
from farandole.delivery import Record
from farandole.engine.intake import Intake
from farandole.envelope import Envelope
from farandole.private_topics import PrivateTopics
from farandole.schema import Catalogue


class Reading:
    """Understands records as the services do. ``cluster`` is the id that goes into the ids of bare records.

    Safe to share between threads.
    """

    def __init__(self, catalogue: Catalogue, *, cluster: str) -> None:
        self.catalogue = catalogue
        self.cluster = cluster
        self.codec = Codec(catalogue)
        self._intake = Intake(
            service="",
            cluster=cluster,
            handlers={},
            schemas=catalogue,
            topics=PrivateTopics(service="", tiers=0),
        )

    def envelope(self, record: Record) -> Envelope:
        """Return the envelope of a record, as each service reads it. Raises nothing, whatever the record holds."""
        return self._intake.delivery(record).envelope
