"""The topology of services, read off their handlers' signatures and their declarations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from farandole import catalogues, installed
from farandole.engine.runtime import private_topics_of, schemas_of
from farandole.handler import Handler
from farandole.place import place_of
from farandole.schema import Catalogue, EventSchema
from farandole.service import Service
from farandole.topology.event_type import event_type_of
from farandole.topology.sheet import DeclaredSheet, HandlerSheet, ObserverSheet, RetrySheet, ServiceSheet, TimerSheet
from farandole.topology.topology import Topology, topology_of_sheets


def topology_of(services: Iterable[Service], catalogue: Iterable[EventSchema]) -> Topology:
    """Return the topology of these services, and of the event types of a catalogue and of their own."""
    several = tuple(services)
    own = (schema for service in several for schema in schemas_of(service, ()))
    return topology_of_sheets(
        (sheet_of(service) for service in several), (event_type_of(schema) for schema in (*catalogue, *own))
    )


def installed_topology() -> Topology:
    """Return the topology of what is installed here. Imports every service."""
    discovered: Sequence[Catalogue] = catalogues.discover()
    return topology_of(installed.services(), (schema for catalogue in discovered for schema in catalogue))


def sheet_of(service: Service, *, version: str = "") -> ServiceSheet:
    """Return what a service declares. ``version`` is that of its release, where it is known."""
    model = service.read_model
    return ServiceSheet(
        name=service.name,
        version=version,
        handlers=tuple(map(_handler, service.handlers)),
        timers=tuple(
            TimerSheet(
                emits=tuple(event.avro.fullname for event in timer.signature.emits),
                place=place_of(timer.function),
                every=timer.interval.total_seconds(),
            )
            for timer in service.timers
        ),
        observers=tuple(ObserverSheet(place=place_of(one.function), private=one.private) for one in service.observers),
        emits=tuple(DeclaredSheet(event=one.event.avro.fullname, place=one.place) for one in service.emissions),
        hears=tuple(DeclaredSheet(event=one.event.avro.fullname, place=one.place) for one in service.hearings),
        expectations=service.expectations,
        tiers=private_topics_of(service).tiers,
        has_store=service.tables is not None,
        read_model="" if model is None else model.group or f"{service.name}.observer",
        keeps=() if model is None else model.keeps,
        serves_http=service.http_factory is not None,
    )


def _handler(handler: Handler) -> HandlerSheet:
    backoff = handler.policy.backoff
    return HandlerSheet(
        event=handler.event.avro.fullname,
        emits=tuple(event.avro.fullname for event in handler.signature.emits),
        place=place_of(handler.function),
        depends_on=tuple(one.name for one in handler.depends_on),
        retry=RetrySheet(
            attempts=backoff.attempts,
            immediate=handler.policy.immediate,
            first=backoff.first.total_seconds(),
            factor=backoff.factor,
            longest=backoff.longest.total_seconds(),
        ),
        timeout=handler.timeout.total_seconds(),
        ordered=handler.policy.ordered,
        stops=handler.policy.stops,
        on_replay=handler.on_replay,
    )
