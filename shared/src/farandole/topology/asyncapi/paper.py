"""Paper: what an AsyncAPI document is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from farandole.schema import EventSchema
from farandole.topology.event_type import EventType
from farandole.topology.sheet import ServiceSheet
from farandole.topology.topology import Topology


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """What a document is written from: a topology, the schemas at hand by full name, and its title and version.

    An event type without a schema at hand has no payload in the document. ``only`` names the one service whose
    document it is; without it the document is the mesh's, and its operations are those of all services.
    """

    topology: Topology
    schemas: Mapping[str, EventSchema]
    title: str
    version: str
    only: str = ""

    @property
    def services(self) -> tuple[ServiceSheet, ...]:
        """The services whose operations are in it."""
        return tuple(one for one in self.topology.services if one.name == self.only or not self.only)

    def heard_by_handlers(self, service: ServiceSheet) -> tuple[EventType, ...]:
        """Return what a service hears by handlers: what lies on its private topics."""
        heard = {one.event for one in service.handlers}
        return tuple(one for one in self.topology.events if one.fullname in heard)
