"""Evidence: all that Kafka, the ledger and the inbox say about one event of one service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from farandole.ledger import Entry
from farandole.store.inbox_view import Remembered


class Place(Enum):
    """Where coordinates lie, seen from the service's committed offset and from what the log holds."""

    AHEAD = "ahead"
    """At or beyond the end that was noted before reading: newer than the audit."""
    OPEN = "open"
    """At or beyond the committed offset: the record is delivered until it is finished."""
    PASSED = "passed"
    """Before the committed offset: the record is never delivered again."""
    DELETED = "deleted"
    """Before the start of the log, or on a topic that is gone."""

    @property
    def comes_again(self) -> bool:
        """Whether the record there will be delivered, or delivered again."""
        return self in {Place.AHEAD, Place.OPEN}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """A record of the event on a topic of its own or on a private one. ``heard`` is False for a tier of the past."""

    attempt: int
    place: Place
    heard: bool = True

    @property
    def comes_again(self) -> bool:
        """Whether the service will be given this record."""
        return self.heard and self.place.comes_again


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What is known of one event.

    ``dead`` is the highest attempt among its dead letters, ``is_discarded`` tells that an operator put that one
    aside. ``entry_place`` is where the coordinates of ``entry`` lie.
    ``letters_kept`` is False where dead letters have been deleted with age. ``leaves_a_trace`` is False where a handled
    event may have been forgotten; then ``is_answered`` tells whether a follow-on of it was found, and is None where
    that would prove nothing. ``is_published`` tells whether the follow-ons that the inbox keeps were all found, and is
    None before anybody looked. ``is_held_back`` tells that its handler's dependency is away.
    """

    sightings: tuple[Sighting, ...] = ()
    dead: int | None = None
    is_discarded: bool = False
    entry: Entry | None = None
    entry_place: Place = Place.DELETED
    inbox: Remembered | None = None
    letters_kept: bool = True
    leaves_a_trace: bool = True
    is_answered: bool | None = None
    is_published: bool | None = True
    is_held_back: bool = False

    @property
    def highest_to_come(self) -> int | None:
        """The highest attempt among the records that will be delivered."""
        return max((one.attempt for one in self.sightings if one.comes_again), default=None)
