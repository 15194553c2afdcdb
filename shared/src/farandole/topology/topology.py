"""Topology: the services of a mesh, the event types, and every edge between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from farandole.topology.edge import Emission, Hearing, Observation, Through
from farandole.topology.event_type import EventType
from farandole.topology.sheet import ServiceSheet


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """Who hears and who emits what. Sorted, so that equal meshes have equal topologies.

    Services by name, event types by topic and name, edges by service and in the order of their declaration.
    """

    services: tuple[ServiceSheet, ...]
    events: tuple[EventType, ...]
    hearings: tuple[Hearing, ...]
    emissions: tuple[Emission, ...]
    observations: tuple[Observation, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """The domain topics, sorted."""
        return tuple(sorted({event.topic for event in self.events}))

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The outside systems that handlers need, sorted."""
        return tuple(sorted({name for service in self.services for name in service.dependencies}))

    def service(self, name: str) -> ServiceSheet | None:
        """Return the service of this name, or None."""
        return next((one for one in self.services if one.name == name), None)

    def event(self, fullname: str) -> EventType | None:
        """Return the event type of this full name, or None."""
        return next((one for one in self.events if one.fullname == fullname), None)

    def hearers(self, event: str) -> tuple[str, ...]:
        """Return the services that hear an event type (a full name), sorted; observers are not among them."""
        return tuple(sorted({one.service for one in self.hearings if one.event == event}))

    def emitters(self, event: str) -> tuple[str, ...]:
        """Return the services that emit an event type (a full name), sorted."""
        return tuple(sorted({one.service for one in self.emissions if one.event == event}))

    def around(self, service: str) -> Topology:
        """Return the part that touches one service: what it hears, and from whom, what it emits, and to whom."""
        heard = {one.event for one in self.hearings if one.service == service}
        emitted = {one.event for one in self.emissions if one.service == service}
        hearings = tuple(one for one in self.hearings if one.service == service or one.event in emitted)
        emissions = tuple(one for one in self.emissions if one.service == service or one.event in heard)
        near = {service} | {one.service for one in hearings} | {one.service for one in emissions}
        return Topology(
            services=tuple(one for one in self.services if one.name in near),
            events=tuple(one for one in self.events if one.fullname in heard | emitted),
            hearings=hearings,
            emissions=emissions,
            observations=tuple(one for one in self.observations if one.service == service),
        )


def topology_of_sheets(sheets: Iterable[ServiceSheet], events: Iterable[EventType]) -> Topology:
    """Return the topology of what services declare. Of one event type in several versions the latest stands."""
    services = tuple(sorted(sheets, key=lambda one: one.name))
    latest: dict[str, EventType] = {}
    for event in events:
        known = latest.get(event.fullname)
        if known is None or known.version < event.version:
            latest[event.fullname] = event
    return Topology(
        services=services,
        events=tuple(sorted(latest.values(), key=lambda one: (one.topic, one.name, one.fullname))),
        hearings=tuple(edge for service in services for edge in _hearings(service)),
        emissions=tuple(edge for service in services for edge in _emissions(service)),
        observations=tuple(
            Observation(service=service.name, place=one.place) for service in services for one in service.observers
        ),
    )


def _hearings(service: ServiceSheet) -> Iterator[Hearing]:
    name = service.name
    for handler in service.handlers:
        yield Hearing(
            service=name,
            event=handler.event,
            through=Through.HANDLER,
            place=handler.place,
            depends_on=handler.depends_on,
        )
    for one in service.hears:
        yield Hearing(service=name, event=one.event, through=Through.ELSEWHERE, place=one.place)


def _emissions(service: ServiceSheet) -> Iterator[Emission]:
    name = service.name
    for handler in service.handlers:
        for event in handler.emits:
            yield Emission(
                service=name, event=event, through=Through.HANDLER, place=handler.place, answers=handler.event
            )
    for timer in service.timers:
        for event in timer.emits:
            yield Emission(service=name, event=event, through=Through.TIMER, place=timer.place)
    otherwise = Through.OUTBOX if service.has_store else Through.ELSEWHERE
    for one in service.emits:
        yield Emission(service=name, event=one.event, through=otherwise, place=one.place)
