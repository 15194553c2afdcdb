"""Announcement: what a service tells of itself on a topic, so that the mesh can be seen without its code at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Final

import msgspec

from farandole.topology.event_type import EventType
from farandole.topology.sheet import ServiceSheet
from farandole.topology.topology import Topology, topology_of_sheets

LAYOUT: Final = 1
MOST_BYTES: Final = 256 * 1024
MOST_SERVICES: Final = 1_000
"""Of one mesh: what somebody else writes into the topic is bounded, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Announcement:
    """A service's own word: what it declares, and the event types that it names. ``layout`` counts up with changes."""

    layout: int
    service: ServiceSheet
    events: tuple[EventType, ...]


def announcement_bytes(announcement: Announcement) -> bytes:
    """Return it as JSON. Files are told as their packages name them, so that nothing is told of the machine."""
    document = msgspec.to_builtins(announcement)
    return msgspec.json.encode(_within_packages(document, announcement))


def read_announcement(key: bytes | None, value: bytes | None) -> Announcement | None:
    """Return what a record announces; None where it is nothing that this version can read. It is nobody's word yet.

    Raises nothing: whoever may write to the topic may write anything.
    """
    if key is None or value is None or len(value) > MOST_BYTES:
        return None
    try:
        found = msgspec.json.decode(value, type=Announcement)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        return None
    return found if found.layout == LAYOUT and found.service.name.encode() == key else None


def latest(records: Iterable[tuple[bytes | None, bytes | None]]) -> tuple[Announcement, ...]:
    """Return the last word of each service, by name, from records in the order of their topic; garbage is skipped."""
    found: dict[str, Announcement] = {}
    for key, value in records:
        if key is not None and not value:
            found.pop(key.decode("utf-8", "replace"), None)
        elif (read := read_announcement(key, value)) is not None and (
            read.service.name in found or len(found) < MOST_SERVICES
        ):
            found[read.service.name] = read
    return tuple(found[name] for name in sorted(found))


def announced_topology(announcements: Iterable[Announcement]) -> Topology:
    """Return the topology of what services announced."""
    several = tuple(announcements)
    return topology_of_sheets((one.service for one in several), (event for one in several for event in one.events))


def _within_packages(document: Any, announcement: Announcement) -> Any:
    service = announcement.service
    places = [one.place for one in service.handlers] + [one.place for one in service.timers]
    places += [one.place for one in service.observers]
    places += [one.place for one in (*service.emits, *service.hears)]
    shown = {place.file: place.within_package for place in places}
    told = tuple(replace(one, place=_last_two(one.place)) for one in service.expectations)
    document["service"]["expectations"] = msgspec.to_builtins(told)
    return _renamed(document, shown)


def _last_two(place: str) -> str:
    return "/".join(PurePath(place).parts[-2:])


def _renamed(value: Any, shown: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: shown.get(one, one) if key == "file" and isinstance(one, str) else _renamed(one, shown)
            for key, one in value.items()
        }
    return [_renamed(one, shown) for one in value] if isinstance(value, list | tuple) else value
