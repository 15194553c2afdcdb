"""Book: what the log of generations says of one service: which one is current, which are kept, which is being built.

Everybody reads the same log in the same order, so everybody comes to the same book: of two commands that contradict one
another the first in the log holds, and the other one's writer finds out by reading on. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from farandole.generations.entry import Entry, Kind
from farandole.read_model import FIRST


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """The generations of one service.

    Args:
        service: whose they are.
        current: the one that its API answers from.
        building: what began the one that is being built, if any.
        kept: those that can be switched to, without the current one.
        dropping: those that were given up and are yet to be removed.
        switches: how often the current one changed.
        servers: the replicas that have answered from the current one since then.
    """

    service: str
    current: int = FIRST
    building: Entry | None = None
    highest: int = FIRST
    kept: frozenset[int] = frozenset()
    dropping: frozenset[int] = frozenset()
    switches: int = 0
    servers: frozenset[str] = frozenset()

    def after(self, entry: Entry) -> Book:  # noqa: PLR0911 - one return for each kind of entry
        """Return the book after one more entry; the same where the entry does not hold."""
        number = entry.generation
        built = self.building is not None and self.building.generation == number
        match entry.kind:
            case Kind.BEGUN if self.building is None and number == self.highest + 1:
                return replace(self, building=entry, highest=number)
            case Kind.CANCELLED if built:
                return replace(self, building=None, dropping=self.dropping | {number})
            case Kind.SWITCHED if built or number in self.kept:
                return replace(
                    self,
                    current=number,
                    building=None if built else self.building,
                    kept=(self.kept | {self.current}) - {number},
                    servers=frozenset(),
                    switches=self.switches + 1,
                )
            case Kind.SERVED if number == self.current:
                return replace(self, servers=self.servers | {entry.by})
            case Kind.RETIRED if number in self.kept:
                return replace(self, kept=self.kept - {number}, dropping=self.dropping | {number})
            case Kind.DROPPED if number in self.dropping:
                return replace(self, dropping=self.dropping - {number})
            case _:
                return self

    @property
    def is_served(self) -> bool:
        """Whether a replica has answered from the current generation since it became current."""
        return self.switches == 0 or bool(self.servers)


def read_book(service: str, entries: Iterable[Entry]) -> Book:
    """Return the book of a service."""
    book = Book(service=service)
    for entry in entries:
        if entry.service == service:
            book = book.after(entry)
    return book
